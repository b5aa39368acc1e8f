"""`ops.outcomes`: what the lists that were served came to, one set of rows per release, day and window."""

from __future__ import annotations

from datetime import date
from typing import Any

from spark_jobs.lakehouse.run_context import RunContext
from spark_jobs.lakehouse.tables import Lakehouse, literal
from spark_jobs.ledgers.ledger import Row, rows

TABLE = "ops.outcomes"
SERVED, PREVIOUS, POPULARITY, OWN_HISTORY = "served", "previous", "popularity", "own_history"
"""Models: the lists as published, those that served before, and what people would show without a model."""

Key = tuple[str, date, int]
"""Release, the day it served from, and the days of the window."""


def replace(context: RunContext, key: Key, facts: dict[str, Any], measured: list[Row]) -> None:
    """Record what a window came to, in the place of what was known of it; `facts` are the same in every row."""
    release, served_from, days = key
    where = f"release = {literal(release)} AND served_from = DATE '{served_from}' AND days = {days}"
    named = {"release": release, "served_from": served_from, "days": days} | facts
    context.record_instead(TABLE, [named | row for row in measured], where)


def truths(lakehouse: Lakehouse) -> dict[Key, str]:
    """The truth that every window was measured with."""
    if not lakehouse.exists(TABLE):
        return {}
    found = lakehouse.query("SELECT DISTINCT release, served_from, days, truth FROM o", o=TABLE).to_pylist()
    return {(row["release"], row["served_from"], row["days"]): row["truth"] for row in found}


def overall(lakehouse: Lakehouse) -> list[Row]:
    """Figures of all returning users who had a list, oldest first."""
    return rows(lakehouse, TABLE, "slice IS NULL", "ORDER BY served_from, days")
