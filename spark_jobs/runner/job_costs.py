"""What each job of a night cost, and of what: rows of `ops.job_costs`, and the table that `--job-costs` prints."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pyspark.sql import SparkSession

from spark_jobs.lakehouse.night import Night
from spark_jobs.ledgers.job_costs import JobCosts

_PYTHON = "time to run Python workers"
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


@dataclass
class Costs:
    """What one job cost; jobs run side by side, so costs of a night add up to more than its time."""

    since: int = 0
    """SQL executions of Spark before the job."""
    import_seconds: float = 0.0
    job_seconds: float = 0.0
    gate_seconds: float = 0.0

    @property
    def seconds(self) -> float:
        """Seconds in the job and its gates."""
        return self.job_seconds + self.gate_seconds

    @contextmanager
    def clock(self, part: str) -> Iterator[None]:
        """Add the time of the block to `<part>_seconds`."""
        started = time.monotonic()
        try:
            yield
        finally:
            setattr(self, f"{part}_seconds", getattr(self, f"{part}_seconds") + time.monotonic() - started)

    def of_job(self, night: Night, stage: str, job: str) -> JobCosts:
        """The job's row in ops.job_costs."""
        groups = (group_of(job, self.since), group_of(job, self.since, gate=True))
        work = [spark_work(night.spark, group, self.since) for group in groups]
        return JobCosts(
            stage=stage,
            job=job,
            seconds=round(self.seconds, 3),
            gate_seconds=round(self.gate_seconds, 3),
            write_seconds=round(night.write_seconds, 3),
            python_seconds=round(sum(one[2] for one in work), 3),
            import_seconds=round(self.import_seconds, 3),
            spark_jobs=sum(one[0] for one in work),
            spark_tasks=sum(one[1] for one in work),
            rows=sum(night.lakehouse.rows_written(name) for name in night.versions_written if name[:4] != "ops."),
        )


def group_of(job: str, since: int, *, gate: bool = False) -> str:
    """Name under which Spark keeps what one run of a job, or of its gates, started."""
    return f"{job} from {since}" + (", gates" if gate else "")


def spark_work(spark: SparkSession, group: str, since: int) -> tuple[int, int, float]:
    """Spark jobs and tasks that ran under the group, and seconds in Python workers, added over tasks.

    `since` is what `executions` gave before the first of them.
    """
    tracker = spark.sparkContext.statusTracker()
    jobs = [int(number) for number in tracker.getJobIdsForGroup(group)]
    infos = [info for number in jobs if (info := tracker.getJobInfo(number))]
    stages = {stage for info in infos for stage in info.stageIds}
    tasks = sum(stage_info.numTasks for stage in stages if (stage_info := tracker.getStageInfo(stage)))
    return len(jobs), tasks, _python_seconds(spark, set(jobs), since) if jobs else 0.0


def executions(spark: SparkSession) -> int:
    """Number of SQL executions that Spark holds metrics of."""
    return int(_store(spark).executionsCount())


def _store(spark: SparkSession) -> Any:
    return spark._jsparkSession.sharedState().statusStore()  # type: ignore[attr-defined]


def _python_seconds(spark: SparkSession, jobs: set[int], since: int) -> float:
    """From the metrics of the SQL executions that started the jobs."""
    store, total = _store(spark), 0.0
    # Spark forgets the oldest, so the newest are looked through in any case.
    sql_executions = store.executionsList(min(since, max(store.executionsCount() - 50, 0)), 1_000)
    for execution in (sql_executions.apply(number) for number in range(sql_executions.size())):
        if not any(execution.jobs().contains(job) for job in jobs):
            continue
        metrics = execution.metrics()
        keys = [metrics.apply(k).accumulatorId() for k in range(metrics.size()) if metrics.apply(k).name() == _PYTHON]
        if keys:
            values = store.executionMetrics(execution.executionId())
            total += sum(seconds_in(values.apply(key)) for key in keys if values.contains(key))
    return total


def seconds_in(text: str) -> float:
    """The first duration of a Spark metric: `1.2 s`, or the total of `total (min, med, max)` with them behind it.

    >>> seconds_in('1.5 s'), seconds_in('total (min, med, max)\\n2 m (1 s, 2 s, 3 s)')
    (1.5, 120.0)
    """
    match = re.search(r"([\d.,]+) (ms|s|min|m|h)\b", text)
    return float(match[1].replace(",", "")) * _SECONDS[match[2]] if match else 0.0
