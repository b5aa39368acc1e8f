"""The one Spark session of a process, configured for Delta and for small machines."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession

from spark_jobs.contracts.settings import PROJECT_ROOT, Settings


class SetUpError(RuntimeError):
    """Something the jobs need is not installed; the message says how to get it."""


def spark_session(settings: Settings, name: str) -> SparkSession:
    """Start (or get) the session called `name`.

    Raises SetUpError where the Delta JARs are missing. Under spark-submit the settings that a running
    JVM can't change (memory, JARs) come from the submit command; here they serve plain Python processes.
    """
    jars = sorted(str(jar) for jar in settings.jars_dir.glob("*.jar"))
    if not jars:
        raise SetUpError(f"No Delta JARs in {settings.jars_dir}; run `make setup` or set NIGHTJAR_JARS_DIR.")
    _point_at_this_environment(settings)
    builder = SparkSession.builder.appName(name)  # type: ignore[attr-defined]
    for key, value in session_conf(settings, jars).items():
        builder = builder.config(key, value)
    if "NIGHTJAR_SUBMITTED" not in os.environ:
        builder = builder.master(settings.spark_master)
    session: SparkSession = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def session_conf(settings: Settings, jars: list[str]) -> dict[str, str]:
    """Spark configuration of every Nightjar session."""
    partitions = str(settings.shuffle_partitions)
    return {
        "spark.jars": ",".join(jars),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.shuffle.partitions": partitions,
        "spark.databricks.delta.snapshotPartitions": partitions,
        # Listing a folder with Spark's default of 10,000 tasks makes VACUUM take a minute.
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
        # Adaptive re-planning costs more than it gains on few partitions, and fixed plans rerun identically.
        "spark.sql.adaptive.enabled": "false",
        # Timestamps mean instants; the domain's zone is applied where dates are made.
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.driver.memory": settings.driver_memory,
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=256m",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # A ranker that asks for more slots than there are would otherwise retry for ten minutes.
        "spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures": "3",
        "spark.scheduler.barrier.maxConcurrentTasksCheck.interval": "1s",
        "spark.sql.warehouse.dir": str(settings.home / "spark-warehouse"),
    }


def java_home(settings: Settings) -> Path | None:
    """Java runtime to use: the setting, else what set-up recorded, else the machine's own (None)."""
    recorded = PROJECT_ROOT / ".tools" / "java-home"
    if settings.java_home:
        return settings.java_home
    return Path(recorded.read_text().strip()) if recorded.is_file() else None


def _point_at_this_environment(settings: Settings) -> None:
    """Make JVM and Python workers use this environment, not whatever comes first on PATH."""
    binaries = str(Path(sys.executable).parent)
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    os.environ["PATH"] = os.pathsep.join([binaries, *os.environ.get("PATH", "").split(os.pathsep)])
    # BLAS threads beside Spark's tasks only fight for the same cores.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    if home := java_home(settings):
        os.environ["JAVA_HOME"] = str(home)
