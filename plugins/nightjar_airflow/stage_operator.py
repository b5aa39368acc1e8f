"""The operator that runs one stage of a night as one spark-submit."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from nightjar_airflow.turns import OF_AIRFLOW
from spark_jobs.contracts.domain import DomainFileError, find_domain
from spark_jobs.contracts.job_catalog import JOBS, STAGES
from spark_jobs.contracts.settings import PROJECT_ROOT, load_settings
from spark_jobs.contracts.spark import HEAP_EXHAUSTED, JVM_ENDED, launch_conf, spark_environment
from spark_jobs.lakehouse.runs import record_death
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.runner.workload import likely_events

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
            application_args=[
                *("--domain", domain, "--run-date", run_date, "--stage", stage),
                *("--turn", f"{OF_AIRFLOW}{{{{ run_id }}}}", force_training),
            ],
            name=f"nightjar {domain} {stage}",
            env_vars=spark_environment(settings) | {"MLFLOW_DISABLE_TELEMETRY": "true"},
            **{"conn_id": "nightjar_spark", **kwargs},
        )

    def execute(self, context: Any) -> None:
        """Submit and wait."""
        # Where the stage runs is the connection's to say, so what depends on it is known only now.
        settings = load_settings()
        try:
            domain = find_domain(settings.conf_dir, self._arguments["--domain"])
        except DomainFileError as error:
            raise AirflowFailException(str(error)) from None
        master = self._get_hook()._connection["master"]
        self.conf = launch_conf(settings, master, likely_events(settings, domain))
        # A template that renders to nothing is no argument.
        self.application_args = [argument for argument in self.application_args or [] if argument]
        started = datetime.now(UTC)
        try:
            super().execute(context)
        except AirflowException as error:
            lines = [str(line) for line in self._hook._last_submit_log_lines] if self._hook else []
            for line in reversed(lines):
                if FINAL_ERROR in line:
                    raise AirflowFailException(line.split(FINAL_ERROR, 1)[1]) from None
                if ERROR in line:
                    raise AirflowException(line.split(ERROR, 1)[1]) from None
            raise AirflowException(self._obituary(lines, started)) from error

    @property
    def _arguments(self) -> dict[str, str]:
        return dict(pairwise(self.application_args or []))

    def _obituary(self, lines: list[str], started: datetime) -> str:
        """What a process died of that could not say so; recorded in ops.runs where it could not do that either."""
        arguments, stage = self._arguments, self._arguments["--stage"]
        jobs = [line.rsplit(f"{stage}: ", 1)[1].strip() for line in lines if f"{stage}: " in line]
        job = jobs[-1] if jobs and jobs[-1] in JOBS else STAGES[stage].jobs[0].name
        settings = load_settings()
        heap = any("OutOfMemoryError" in line for line in lines)
        cause = HEAP_EXHAUSTED.format(settings.driver_memory) if heap else JVM_ENDED
        lakehouse = Lakehouse.of(settings, arguments["--domain"])
        record_death(lakehouse, date.fromisoformat(arguments["--run-date"]), stage, job, cause, started)
        return f"{stage}/{job}: {cause}"
