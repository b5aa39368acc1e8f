"""The ledger of job runs, written for those that died before they could."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime

from spark_jobs.contracts.code_version import code_version
from spark_jobs.contracts.settings import load_settings
from spark_jobs.lakehouse.tables import Lakehouse, literal

PATIENCE = 5.0
"""Seconds."""


def record_crash(lakehouse: Lakehouse, run_date: date, stage: str, job: str, cause: str, started: datetime) -> None:
    """Record a failed run of the job, unless a failure of its stage was recorded since `started`."""
    # The Python process that lost its JVM may be about to do it.
    time.sleep(PATIENCE)
    now = datetime.now(UTC)
    if lakehouse.exists("ops.runs"):
        known = lakehouse.query(
            f"SELECT count(*) AS n FROM runs WHERE stage = {literal(stage)} AND status = 'failed' AND recorded_at >= "
            f"arrow_cast({literal(started.isoformat())}, 'Timestamp(Microsecond, Some(\"UTC\"))')",
            runs="ops.runs",
        )["n"][0].as_py()
        if known:
            return
    version = code_version(load_settings())
    row = {"run_date": run_date, "stage": stage, "job": job, "status": "failed", "error": cause, "recorded_at": now}
    row |= {"seconds": (now - started).total_seconds(), "inputs": {}, "outputs": {}, "code_version": version}
    lakehouse.append("ops.runs", [row], {"run_date": str(run_date), "code_version": version})
