"""Run jobs of the catalogue: start, time, gate and record each one."""

from __future__ import annotations

import importlib
import logging
import time
from collections.abc import Callable, Iterable

from spark_jobs.contracts.job_catalog import NIGHT, Job, Stage
from spark_jobs.lakehouse.decisions import decided
from spark_jobs.lakehouse.night import Night
from spark_jobs.runner.gates import check_table

log = logging.getLogger("nightjar")


class JobFailedError(RuntimeError):
    """A job failed; the message names stage and job and says why, the cause has the details."""

    @property
    def final(self) -> bool:
        """Whether trying again can't help: the cause is an error of ours, about data or configuration."""
        return type(self.__cause__).__module__.startswith("spark_jobs.")


def run_stage(night: Night, stage: Stage, progress: Callable[[str], None] = log.info) -> None:
    """Run the jobs of one stage in order, each followed by its quality gates and a row in ops.runs."""
    for job in stage.jobs:
        progress(f"{stage.name}: {job.name}")
        _run_job(night, stage, job)


def run_night(night: Night, stages: Iterable[Stage] = NIGHT, progress: Callable[[str], None] = log.info) -> None:
    """Run stages in order; those that need a decision are skipped, and recorded so, without it."""
    for stage in stages:
        if stage.only_if and not decided(night.lakehouse, stage.only_if, night.run_date):
            progress(f"{stage.name}: skipped, not due")
            night.record("ops.runs", [_row(night, stage, job, "skipped", 0.0) for job in stage.jobs])
            continue
        run_stage(night, stage, progress)


def _run_job(night: Night, stage: Stage, job: Job) -> None:
    night = night.for_job()
    started = time.monotonic()
    try:
        importlib.import_module(f"spark_jobs.{stage.name}.{job.name}").run(night)
        for table in job.gates:
            if table != "silver.users" or night.domain.users:
                check_table(night, table)
    except Exception as error:
        message = first_sentence(error)
        night.record("ops.runs", [_row(night, stage, job, "failed", time.monotonic() - started, message)])
        raise JobFailedError(f"{stage.name}/{job.name}: {message}") from error
    night.record("ops.runs", [_row(night, stage, job, "succeeded", time.monotonic() - started)])


def _row(
    night: Night, stage: Stage, job: Job, status: str, seconds: float, error: str | None = None
) -> dict[str, object]:
    return {
        "stage": stage.name,
        "job": job.name,
        "status": status,
        "seconds": round(seconds, 3),
        "inputs": dict(night.versions_read),
        "outputs": dict(night.versions_written),
        "code_version": night.code_version,
        "error": error,
    }


def first_sentence(error: BaseException) -> str:
    """What a person needs of an error: its message without Java stack traces."""
    text = str(error).split("\n\tat ")[0].split("JVM stacktrace")[0].strip()
    return text or type(error).__name__
