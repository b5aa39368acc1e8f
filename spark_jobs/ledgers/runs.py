"""`ops.runs`: every run of a job, also of those that died before they could say so."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime

from spark_jobs.lakehouse.run_context import RunContext
from spark_jobs.lakehouse.tables import Lakehouse, literal
from spark_jobs.ledgers.ledger import Row, latest_of_each, rows

TABLE = "ops.runs"
PATIENCE = 5.0
"""Seconds."""


@dataclass(frozen=True)
class JobRun:
    """One row."""

    stage: str
    job: str
    status: str
    """`succeeded`, `skipped` or `failed`."""
    seconds: float = 0.0
    inputs: Mapping[str, int] = field(default_factory=dict)
    """Delta version of every table read."""
    outputs: Mapping[str, int] = field(default_factory=dict)
    """Delta version of every table written."""
    error: str | None = None


def record(context: RunContext, runs: Sequence[JobRun]) -> None:
    """Record runs with the version of the code, in one commit."""
    context.record(TABLE, [asdict(run) | {"code_version": context.code_version} for run in runs])


def record_crash(context: RunContext, stage: str, job: str, cause: str, started: datetime) -> None:
    """Record a failed run of a job that died, unless a failure of its stage was recorded since `started`."""
    # The Python process that lost its JVM may be about to do it.
    time.sleep(PATIENCE)
    since = f"arrow_cast({literal(started.isoformat())}, 'Timestamp(Microsecond, Some(\"UTC\"))')"
    if rows(context.lakehouse, TABLE, f"stage = {literal(stage)} AND status = 'failed' AND recorded_at >= {since}"):
        return
    seconds = (datetime.now(UTC) - started).total_seconds()
    record(context, [JobRun(stage, job, "failed", seconds, error=cause)])


def of_date(lakehouse: Lakehouse, run_date: date) -> list[Row]:
    """The latest run of every job of the run date, in the order in which they ended."""
    return latest_of_each(lakehouse, TABLE, ("stage", "job"), f"run_date = DATE '{run_date}'")
