"""`ops.job_costs`: what every job run cost, and of what."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date

from spark_jobs.lakehouse.run_context import RunContext
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers.ledger import Row, latest_of_each

TABLE = "ops.job_costs"


@dataclass(frozen=True)
class JobCosts:
    """One row; times in seconds."""

    stage: str
    job: str
    seconds: float
    """In the job and its gates; some jobs run side by side."""
    gate_seconds: float
    write_seconds: float
    python_seconds: float
    import_seconds: float
    spark_jobs: int
    spark_tasks: int
    rows: int


def record(context: RunContext, costs: JobCosts) -> None:
    """Record what a job cost."""
    context.record(TABLE, [asdict(costs)])


def of_date(lakehouse: Lakehouse, run_date: date) -> list[Row]:
    """Rows of the run date's latest run of every job, in the order in which they ran."""
    return latest_of_each(lakehouse, TABLE, ("job",), f"run_date = DATE '{run_date}'")
