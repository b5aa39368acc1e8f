"""`ops.profiles` and `ops.drift`: what every night was like, and how far that was from what is usual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import date, timedelta
from typing import Any

from spark_jobs.lakehouse.run_context import RunContext
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers.ledger import Row, rows
from spark_jobs.recommender.monitoring.drift import Profile, Shift

PROFILES, DRIFT = "ops.profiles", "ops.drift"
KEPT_DAYS = 100
"""Days of profiles that comparisons look at."""


def replace(context: RunContext, profiles: Sequence[Profile], shifts: Sequence[Shift]) -> None:
    """Record the night's profiles and shifts, in the place of those of an earlier run of its date."""
    for name, records in ((PROFILES, profiles), (DRIFT, shifts)):
        context.record_instead(name, [asdict(one) for one in records], f"run_date = DATE '{context.run_date}'")


def profiles_before(lakehouse: Lakehouse, run_date: date) -> list[Profile]:
    """Profiles of earlier run dates that tonight may be compared with."""
    return [_of(Profile, row) for row in _before(lakehouse, PROFILES, run_date)]


def shifts_before(lakehouse: Lakehouse, run_date: date) -> list[Shift]:
    """Shifts found in the nights before."""
    return [_of(Shift, row) for row in _before(lakehouse, DRIFT, run_date)]


def shifts_of(lakehouse: Lakehouse, run_date: date) -> list[Row]:
    """Shifts of one night."""
    return rows(lakehouse, DRIFT, f"run_date = DATE '{run_date}'", "ORDER BY measure, part")


def latest_night(lakehouse: Lakehouse) -> date | None:
    """The newest run date whose drift was measured; None without any."""
    if not lakehouse.exists(DRIFT):
        return None
    newest: date | None = lakehouse.query("SELECT max(run_date) AS day FROM d", d=DRIFT)["day"][0].as_py()
    return newest


def alarms_since(lakehouse: Lakehouse, after: date, until: date) -> list[Row]:
    """Alarms of the run dates after one day, up to another."""
    return rows(
        lakehouse,
        DRIFT,
        f"status = 'alarm' AND run_date > DATE '{after}' AND run_date <= DATE '{until}'",
        "ORDER BY run_date, measure",
    )


def _before(lakehouse: Lakehouse, name: str, run_date: date) -> list[Row]:
    since = run_date - timedelta(days=KEPT_DAYS)
    return rows(lakehouse, name, f"run_date < DATE '{run_date}' AND run_date >= DATE '{since}'", "ORDER BY run_date")


def _of(kind: type, row: Row) -> Any:
    values = {field.name: row[field.name] for field in fields(kind)}
    if isinstance(values.get("bins"), list):
        values["bins"] = dict(values["bins"])
    return kind(**values)
