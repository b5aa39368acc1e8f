"""Run jobs of the catalogue: start, time, gate and record each one."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from spark_jobs.contracts.errors import NightjarError, NothingToDoError
from spark_jobs.contracts.job_catalog import NIGHT, Job, Stage
from spark_jobs.contracts.tables import TABLES
from spark_jobs.lakehouse.night import Night
from spark_jobs.ledgers import job_costs, runs
from spark_jobs.ledgers.decisions import Kind, decided
from spark_jobs.ledgers.runs import JobRun
from spark_jobs.runner.failures import Failure, describe_failure
from spark_jobs.runner.job_costs import Costs, executions, group_of
from spark_jobs.runner.quality_gate import check_table

log = logging.getLogger("nightjar")


class NotStartedError(NightjarError):
    """A job was not started because one before it failed."""


class JobFailedError(NightjarError):
    """A job failed; the message names stage and job and says why, the cause has the details."""

    def __init__(self, message: str, failure: Failure) -> None:
        super().__init__(message)
        self.failure = failure
        self.retry = failure.retry


Progress = Callable[[str, str], None]
"""Told of every stage what it is about to do: the name of its next job."""


def log_progress(stage: str, job: str) -> None:
    """Progress as lines of the log."""
    log.info("%s: %s", stage, job)


def run_stage(night: Night, stage: Stage, progress: Progress = log_progress) -> None:
    """Run the jobs of one stage, each followed by its quality gates and its rows in the ledgers.

    Where the stage allows it two run side by side: most of a job's time is waiting for one thread of Spark's. No job
    starts before the gates of what it reads have passed, nor after what it reads could not be made.
    """
    night.lakehouse.add_missing_columns()
    with ThreadPoolExecutor(max_workers=2 if stage.side_by_side else 1) as pool:
        started: dict[str, Future[None]] = {}
        for number, job in enumerate(stage.jobs):
            before = stage.jobs[:number]
            needed = [other for other in before if not stage.side_by_side or set(other.outputs) & set(job.inputs)]
            after = [started[other.name] for other in needed]
            started[job.name] = pool.submit(_run_job, night, stage, job, after, progress)
        try:
            failures = [error for future in started.values() if (error := future.exception())]
        except KeyboardInterrupt:
            # The threads can't be interrupted, what they wait for can.
            pool.shutdown(wait=False, cancel_futures=True)
            night.spark.sparkContext.cancelAllJobs()
            raise
    if reasons := [str(error) for error in failures if isinstance(error, NothingToDoError)]:
        log.warning("%s ends here: %s", stage.name, "; ".join(reasons))
        failures = [error for error in failures if not isinstance(error, NothingToDoError | NotStartedError)]
        if not failures:
            return
    if failures:
        raise next((error for error in failures if not isinstance(error, NotStartedError)), failures[0])


def run_night(night: Night, stages: Iterable[Stage] = NIGHT, progress: Progress = log_progress) -> None:
    """Run stages in order; those that need a decision are skipped, and recorded so, without it.

    Where a stage fails that only warns, the night goes on and fails at its end: there is always a list.
    """
    failure: JobFailedError | None = None
    for stage in stages:
        if stage.only_if and not decided(night.lakehouse, Kind(stage.only_if), night.run_date):
            progress(stage.name, "skipped, not due")
            runs.record(night, [JobRun(stage.name, job.name, "skipped") for job in stage.jobs])
            continue
        try:
            run_stage(night, stage, progress)
        except JobFailedError as error:
            if stage.on_failure == "stop":
                raise
            log.error("%s; the night goes on with what serves, or the best source", error)
            failure = error
    if failure:
        raise failure


def module_of(stage: Stage, job: Job) -> str:
    """Where the job's code lies: the one import by name, since the catalogue and not this file lists the jobs."""
    return f"spark_jobs.{stage.name}.{job.name}"


def _run_job(night: Night, stage: Stage, job: Job, after: list[Future[None]], progress: Progress) -> None:
    """One job and its gates, once those before it are done; ops.runs and ops.job_costs say how they went."""
    if any(future.exception() for future in after):
        raise NotStartedError(f"{stage.name}/{job.name}: what it reads was not made")
    progress(stage.name, job.name)
    # What has come since the job before may want more partitions.
    night.spark.conf.set("spark.sql.shuffle.partitions", night.partitions)
    ours, costs = night.for_job(job), Costs(since=executions(night.spark))
    context = night.spark.sparkContext
    with recorded(night, ours, stage, job, costs):
        with costs.clock("import"):
            module = importlib.import_module(module_of(stage, job))
        context.setJobGroup(group_of(job.name, costs.since), job.description)
        with costs.clock("job"):
            module.run(ours)
        context.setJobGroup(group_of(job.name, costs.since, gate=True), f"gates of {job.name}")
        with costs.clock("gate"):
            for table in job.gates:
                if not TABLES[table].may_be_absent or night.lakehouse.exists(table):
                    check_table(ours.after_job(), table)
    job_costs.record(night, costs.of_job(ours, stage.name, job.name))
    runs.record(night, [_run(ours, stage, job, "succeeded", costs.seconds)])


@contextmanager
def recorded(night: Night, ours: Night, stage: Stage, job: Job, costs: Costs) -> Iterator[None]:
    """Record a failure in ops.runs, and raise it as JobFailedError."""
    try:
        yield
    except NothingToDoError as error:
        runs.record(night, [_run(ours, stage, job, "skipped", costs.seconds, str(error))])
        raise
    except Exception as error:
        failure = describe_failure(error, night.spark, night.settings)
        runs.record(night, [_run(ours, stage, job, "failed", costs.seconds, failure.message)])
        raise JobFailedError(f"{stage.name}/{job.name}: {failure.message}", failure) from error


def _run(night: Night, stage: Stage, job: Job, status: str, seconds: float, error: str | None = None) -> JobRun:
    return JobRun(
        stage.name,
        job.name,
        status,
        round(seconds, 3),
        dict(night.versions_read),
        dict(night.versions_written),
        error,
    )
