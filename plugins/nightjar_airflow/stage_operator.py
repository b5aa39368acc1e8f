"""The operator that runs one stage of a night as one spark-submit."""

from __future__ import annotations

import re
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from nightjar_airflow.assets import describe_events
from nightjar_airflow.leases import OF_AIRFLOW
from nightjar_airflow.links import DataDocsLink, NightjarLink, ReportLink
from spark_jobs.contracts.domain import DomainFileError, find_domain
from spark_jobs.contracts.job_catalog import STAGES
from spark_jobs.contracts.settings import PROJECT_ROOT, load_settings
from spark_jobs.contracts.spark import jvm_death, launch_conf, spark_environment
from spark_jobs.contracts.stage_status import StageStatus
from spark_jobs.lakehouse.run_context import RunContext
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers.runs import record_crash
from spark_jobs.runner.workload import likely_events

CONNECTION = "nightjar_spark"
"""Airflow connection that says where stages run."""
_EXIT_CODE = re.compile(r"Error code is: (-?\d+)")


class NightjarStageOperator(SparkSubmitOperator):
    """Submit one stage of the job catalogue for a domain and a (templated) run date.

    Fails with the job's own sentence; without retries where the job says that trying again can't help.
    """

    template_fields = (*SparkSubmitOperator.template_fields, "run_date")
    operator_extra_links = (NightjarLink(), DataDocsLink(), ReportLink())

    def __init__(self, *, domain: str, stage: str, run_date: str, force_training: str = "", **kwargs: Any) -> None:
        super().__init__(
            application=str(PROJECT_ROOT / "spark_jobs" / "cli" / "submit.py"),
            application_args=[
                *("--domain", domain, "--run-date", run_date, "--stage", stage),
                *("--lease", f"{OF_AIRFLOW}{{{{ run_id }}}}", force_training),
            ],
            name=f"nightjar {domain} {stage}",
            conn_id=CONNECTION,
            env_vars=spark_environment(load_settings()) | {"MLFLOW_DISABLE_TELEMETRY": "true"},
            **kwargs,
        )
        self.domain = domain
        self.stage = stage
        self.run_date = run_date

    def execute(self, context: Any) -> None:
        """Submit and wait."""
        # Where the stage runs is the connection's to say, so what depends on it is known only now.
        settings = load_settings()
        try:
            domain = find_domain(settings.conf_dir, self.domain)
        except DomainFileError as error:
            raise AirflowFailException(str(error)) from None
        self.conf = launch_conf(settings, spark_master(), likely_events(settings, domain))
        started = datetime.now(UTC)
        with tempfile.TemporaryDirectory(prefix="nightjar-") as folder:
            status_file = Path(folder) / "status.json"
            # A template that renders to nothing is no argument.
            given = [argument for argument in self.application_args or [] if argument]
            self.application_args = [*given, "--status-file", str(status_file)]
            try:
                super().execute(context)
                lakehouse = Lakehouse.of(settings, domain)
                describe_events(lakehouse, self.outlets, context["outlet_events"], self.run_date)
            except AirflowException as error:
                status = StageStatus.read(status_file)
                if status.error is None:
                    raise AirflowException(self._crash_summary(status.job, error, started)) from error
                kind = AirflowException if status.retry else AirflowFailException
                raise kind(status.error) from None

    def _crash_summary(self, job: str | None, error: AirflowException, started: datetime) -> str:
        """What a process died of that could not say so; recorded in ops.runs where it could not do that either."""
        settings = load_settings()
        exit_code = _EXIT_CODE.search(str(error))
        cause = jvm_death(int(exit_code[1]) if exit_code else None, settings)
        job = job or STAGES[self.stage].jobs[0].name
        domain = find_domain(settings.conf_dir, self.domain)
        record_crash(RunContext(settings, domain, date.fromisoformat(self.run_date)), self.stage, job, cause, started)
        return f"{self.stage}/{job}: {cause}"


def spark_master() -> str:
    """The master that the connection names, as the Spark provider reads it: host, and port where there is one."""
    connection = BaseHook.get_connection(CONNECTION)
    return f"{connection.host}:{connection.port}" if connection.port else str(connection.host)
