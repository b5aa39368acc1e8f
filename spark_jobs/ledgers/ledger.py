"""What all ledgers share: a rerun appends rows, and readers want those recorded last."""

from __future__ import annotations

from typing import Any

from spark_jobs.lakehouse.tables import Lakehouse

Row = dict[str, Any]


def rows(lakehouse: Lakehouse, table: str, where: str = "true", rest: str = "ORDER BY recorded_at") -> list[Row]:
    """Rows of the ledger that fulfil `where`; none where it was never written."""
    if not lakehouse.exists(table):
        return []
    return list(lakehouse.query(f"SELECT * FROM ledger WHERE {where} {rest}", ledger=table).to_pylist())


def latest_of_each(lakehouse: Lakehouse, table: str, keys: tuple[str, ...], where: str = "true") -> list[Row]:
    """Of the rows that fulfil `where` the one recorded last for each value of the keys, in the order of recording."""
    key = ", ".join(f'"{name}"' for name in keys)
    newest = f"row_number() OVER (PARTITION BY {key} ORDER BY recorded_at DESC) AS nth"
    if not lakehouse.exists(table):
        return []
    found = lakehouse.query(
        f"SELECT * FROM (SELECT *, {newest} FROM ledger WHERE {where}) WHERE nth = 1 ORDER BY recorded_at",
        ledger=table,
    )
    return [{name: value for name, value in row.items() if name != "nth"} for row in found.to_pylist()]


def latest_recording(lakehouse: Lakehouse, table: str, where: str) -> list[Row]:
    """All rows that were recorded together last, of those that fulfil `where`."""
    if not lakehouse.exists(table):
        return []
    sql = f"SELECT * FROM ledger WHERE {where} AND recorded_at = (SELECT max(recorded_at) FROM ledger WHERE {where})"
    return list(lakehouse.query(sql, ledger=table).to_pylist())
