"""The operator that runs one stage of a night as one spark-submit."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from spark_jobs.contracts.settings import PROJECT_ROOT, Settings, load_settings

ERROR = "NIGHTJAR ERROR: "
FINAL_ERROR = "NIGHTJAR FINAL ERROR: "


class NightjarStageOperator(SparkSubmitOperator):
    """Submit one stage of the job catalogue for a domain and a (templated) run date.

    Fails with the job's own sentence; without retries where the job says that trying again can't help.
    """

    def __init__(self, *, domain: str, stage: str, run_date: str, force_training: str = "", **kwargs: Any) -> None:
        settings = load_settings()
        super().__init__(
            application=str(PROJECT_ROOT / "spark_jobs" / "cli" / "submit.py"),
            application_args=["--domain", domain, "--run-date", run_date, "--stage", stage, force_training],
            name=f"nightjar {domain} {stage}",
            conf=submit_conf(settings),
            driver_memory=settings.driver_memory,
            env_vars=submit_environment(settings),
            **{"conn_id": "spark_local", **kwargs},
        )

    def execute(self, context: Any) -> None:
        """Submit and wait."""
        # A template that renders to nothing is no argument.
        self.application_args = [argument for argument in self.application_args or [] if argument]
        try:
            super().execute(context)
        except AirflowException:
            lines = [str(line) for line in self._hook._last_submit_log_lines] if self._hook else []
            for line in reversed(lines):
                if FINAL_ERROR in line:
                    raise AirflowFailException(line.split(FINAL_ERROR, 1)[1]) from None
                if ERROR in line:
                    raise AirflowException(line.split(ERROR, 1)[1]) from None
            raise


def submit_conf(settings: Settings) -> dict[str, str]:
    """What a running JVM can't change any more, so that it has to come with the submit."""
    return {
        "spark.jars": ",".join(sorted(str(jar) for jar in settings.jars_dir.glob("*.jar"))),
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=256m",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
    }


def submit_environment(settings: Settings) -> dict[str, str]:
    """This environment's Python and binaries first, and the Java runtime that set-up found."""
    binaries = str(Path(sys.executable).parent)
    environment = {
        "PATH": os.pathsep.join([binaries, os.environ.get("PATH", "")]),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    recorded = PROJECT_ROOT / ".tools" / "java-home"
    if settings.java_home:
        environment["JAVA_HOME"] = str(settings.java_home)
    elif recorded.is_file():
        environment["JAVA_HOME"] = recorded.read_text(encoding="utf-8").strip()
    return environment
