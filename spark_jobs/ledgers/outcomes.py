"""`ops.outcomes`: what the lists that were served came to, one set of rows per release, day and window."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from spark_jobs.contracts.tables import TABLES
from spark_jobs.lakehouse.run_context import RunContext
from spark_jobs.lakehouse.schema import arrow_schema
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
    named = {"release": release, "served_from": served_from, "days": days, "run_date": context.run_date}
    stamp = named | {"recorded_at": datetime.now(UTC)} | facts
    table = pa.Table.from_pylist([stamp | row for row in measured], schema=arrow_schema(TABLES[TABLE]))
    context.write(TABLE, lambda: context.lakehouse.replace(TABLE, table, where, context.metadata))


def truths(lakehouse: Lakehouse) -> dict[Key, str]:
    """The truth that every window was measured with."""
    if not lakehouse.exists(TABLE):
        return {}
    found = lakehouse.query("SELECT DISTINCT release, served_from, days, truth FROM o", o=TABLE).to_pylist()
    return {(row["release"], row["served_from"], row["days"]): row["truth"] for row in found}


def overall(lakehouse: Lakehouse, since: date = date.min) -> list[Row]:
    """Figures of all returning users who had a list, oldest first."""
    return rows(lakehouse, TABLE, f"slice IS NULL AND served_from >= DATE '{since}'", "ORDER BY served_from, days")


def in_slices(lakehouse: Lakehouse, key: Key) -> list[Row]:
    """Figures of one window in parts."""
    release, served_from, days = key
    where = f"release = {literal(release)} AND served_from = DATE '{served_from}' AND days = {days}"
    return rows(lakehouse, TABLE, f"slice IS NOT NULL AND {where}", "ORDER BY model, metric, slice")
