"""How Spark is started, said once for plain Python processes and for spark-submit. No pyspark here."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from spark_jobs.contracts.errors import NightjarError
from spark_jobs.contracts.settings import PROJECT_ROOT, Settings

CLASS_ARCHIVE = PROJECT_ROOT / ".tools" / "spark.jsa"
LOG_CONFIGURATION = Path(__file__).with_name("log4j2.properties")
MANY_EVENTS = 500_000
"""Events from which a night is long enough for the JVM's second compiler."""
SECOND_COMPILER = (
    *("-XX:Tier4InvocationThreshold=100000", "-XX:Tier4MinInvocationThreshold=12000"),
    *("-XX:Tier4CompileThreshold=300000", "-XX:Tier4BackEdgeThreshold=800000"),
)
"""Twenty times the JVM's own thresholds: most of what it would compile a second time is done soon after."""
HARDLY_REPEATING = ("ages_days", "factors")
"""Columns with lists of numbers that are nearly all different."""

HEAP_EXHAUSTED = (
    "Spark's heap of {} was exhausted. Give it more with NIGHTJAR_DRIVER_MEMORY, as far as the machine has it, or make "
    "its tasks smaller with more NIGHTJAR_SHUFFLE_PARTITIONS."
)
KILLED = (
    "Spark's JVM was killed, as machines do that run out of memory. Use fewer cores (NIGHTJAR_SPARK_MASTER=local[1]), "
    "less heap (NIGHTJAR_DRIVER_MEMORY), or a larger machine."
)
JVM_ENDED = (
    "Spark's JVM ended in the middle of the job. Mostly it had too little memory: give its heap more with "
    "NIGHTJAR_DRIVER_MEMORY if the machine has it, else use fewer cores (NIGHTJAR_SPARK_MASTER=local[1])."
)
WORKER_ENDED = (
    "A Python worker was killed, as machines do that run out of memory. Use fewer cores, as each has a worker of its "
    "own (NIGHTJAR_SPARK_MASTER=local[1]), or a larger machine."
)

NO_MEMORY = (
    "There was no memory for the rows that Spark and a Python worker hand to one another ({}). Use fewer cores, as "
    "each has a worker of its own (NIGHTJAR_SPARK_MASTER=local[1]), less heap (NIGHTJAR_DRIVER_MEMORY), or a larger "
    "machine."
)


_OUT_OF_MEMORY_EXIT = 3
"""Exit code of a JVM with -XX:+ExitOnOutOfMemoryError."""
_KILLED_EXITS = (-9, 137)
"""SIGKILL, as Python and as shells report it."""


def jvm_death(exit_code: int | None, settings: Settings) -> str:
    """What a JVM died of by its exit code, with the remedy; None where nobody knows the code."""
    if exit_code == _OUT_OF_MEMORY_EXIT:
        return HEAP_EXHAUSTED.format(settings.driver_memory)
    return KILLED if exit_code in _KILLED_EXITS else JVM_ENDED


class SetUpError(NightjarError):
    """Something the jobs need is not installed; the message says how to get it."""


def launch_conf(settings: Settings, master: str, events: int = 0) -> dict[str, str]:
    """What a running JVM can't change any more, so that spark-submit has to be told. Raises SetUpError without JARs.

    `events` is about how many the work is on.
    """
    jars = sorted(str(jar) for jar in settings.jars_dir.glob("*.jar"))
    if not jars:
        raise SetUpError(f"No Delta JARs in {settings.jars_dir}; run `nightjar jars`, or set NIGHTJAR_JARS_DIR.")
    conf = {
        "spark.jars": ",".join(jars),
        # On the driver's own class path too, where the class archive finds them.
        "spark.driver.extraClassPath": ":".join(jars),
        "spark.driver.memory": settings.driver_memory,
        "spark.driver.extraJavaOptions": " ".join(java_options(settings, events)),
        "spark.ui.enabled": "false",
    }
    if master.startswith("local"):
        # Executors on other machines have to reach the driver; those of a local master do not.
        return conf | {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    return conf | {"spark.executor.memory": settings.executor_memory}


def java_options(settings: Settings, events: int = 0, archive: str | None = None) -> list[str]:
    """Options of the driver's JVM: made for jobs of seconds to minutes on few cores, and silent but for errors.

    Classes come ready from the archive that set-up wrote, which saves seconds at every start; with `archive` the JVM
    writes one when it ends.
    """
    full_jit = events > MANY_EVENTS if settings.full_jit is None else settings.full_jit
    options = [
        *(SECOND_COMPILER if full_jit else ["-XX:TieredStopAtLevel=1"]),
        # Spark makes one method of a whole stage; the JVM would interpret those of more than 8,000 bytes for ever.
        "-XX:-DontCompileHugeMethods",
        "-XX:+UseSerialGC",
        # Dead at once with a code of its own, instead of alive with broken threads.
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:ReservedCodeCacheSize=256m",
        "-Xlog:disable",
        "-Xlog:all=error:stderr",
        f"-Dlog4j2.configurationFile={LOG_CONFIGURATION.as_uri()}",
    ]
    if archive:
        return [*options, f"-XX:ArchiveClassesAtExit={archive}"]
    return [*options, f"-XX:SharedArchiveFile={CLASS_ARCHIVE}"] if CLASS_ARCHIVE.is_file() else options


def session_conf(settings: Settings) -> dict[str, str]:
    """Configuration of every Nightjar session, beside what it was launched with."""
    return {
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.shuffle.partitions": str(settings.shuffle_partitions),
        # A table's log names thousands of files at most, and every task costs more than listing them.
        "spark.databricks.delta.snapshotPartitions": "1",
        # Listing a folder with Spark's default of 10,000 tasks makes VACUUM take a minute.
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
        # Adaptive re-planning costs more than it gains on few partitions, and fixed plans rerun identically.
        "spark.sql.adaptive.enabled": "false",
        # What is broadcast may take long to compute: the queries of all training examples, with half a million items.
        "spark.sql.broadcastTimeout": "-1",
        # Timestamps mean instants; the domain's zone is applied where dates are made.
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        # A batch of 10,000 users with long histories would take most of a worker's memory.
        "spark.sql.execution.arrow.maxBytesPerBatch": "32m",
        # Writers keep a row group in the heap, two or more at a time; Parquet's own default is 128 MiB.
        "spark.hadoop.parquet.block.size": str(32 * 2**20),
        # A dictionary of them would be as large as they are.
        **{f"spark.hadoop.parquet.enable.dictionary#{name}.list.element": "false" for name in HARDLY_REPEATING},
        # What is held is read twice or three times; to look how it could be kept smaller costs as much as making it.
        "spark.sql.inMemoryColumnarStorage.compressed": "false",
        # A record on which an expression of the domain file raises is refused, and stops nobody: see `unfailing`.
        "spark.sql.subexpressionElimination.enabled": "false",
        "spark.sql.alwaysInlineCommonExpr": "true",
        "spark.sql.optimizer.excludedRules": "org.apache.spark.sql.catalyst.optimizer.PushFoldableIntoBranches",
        "spark.sql.mapKeyDedupPolicy": "LAST_WIN",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": str(settings.home / "spark-warehouse"),
    }


def spark_environment(settings: Settings) -> dict[str, str]:
    """Variables that make JVM and Python workers use this environment, not whatever comes first on PATH."""
    binaries = str(Path(sys.executable).parent)
    environment = {
        "PATH": os.pathsep.join([binaries, os.environ.get("PATH", "")]),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        # BLAS threads beside Spark's tasks only fight for the same cores.
        **{name: os.environ.get(name, "1") for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")},
        # A thread that waits gives its core away: with one core taken by others, training takes half the time.
        "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "PASSIVE"),
    }
    if home := java_home(settings):
        environment["JAVA_HOME"] = str(home)
    return environment


def java_home(settings: Settings) -> Path | None:
    """Java runtime to use: the setting, else what set-up recorded, else the machine's own (None)."""
    recorded = PROJECT_ROOT / ".tools" / "java-home"
    if settings.java_home:
        return settings.java_home
    return Path(recorded.read_text(encoding="utf-8").strip()) if recorded.is_file() else None
