"""The operator that runs one stage of a night as one spark-submit."""

from __future__ import annotations

from typing import Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from spark_jobs.contracts.settings import PROJECT_ROOT, load_settings
from spark_jobs.contracts.spark import launch_conf, spark_environment

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
            env_vars=spark_environment(settings) | {"MLFLOW_DISABLE_TELEMETRY": "true"},
            **{"conn_id": "spark_local", **kwargs},
        )

    def execute(self, context: Any) -> None:
        """Submit and wait."""
        # Where the stage runs is the connection's to say, so what depends on it is known only now.
        self.conf = launch_conf(load_settings(), self._get_hook()._connection["master"])
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
