"""Refused records, grouped by the check that they failed and by what delivered them."""

from __future__ import annotations

from dataclasses import dataclass

from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers import batches as batch_ledger
from spark_jobs.ledgers.ledger import Row

INPUTS = ("interactions", "items", "users")


@dataclass(frozen=True)
class RefusalView:
    """Records of one delivery that failed one check."""

    input: str
    batch_id: str
    delivery: str
    failed_check: str
    records: int
    example: str
    """Reason of one of them."""
    usual: float | None
    """Mean records of this check in the other batches of the input so far; None in its first."""


def refusals(lakehouse: Lakehouse, limit: int) -> list[RefusalView]:
    """Refusals of all inputs, latest batches first, then the most records."""
    found: list[RefusalView] = []
    for name in INPUTS:
        table = f"quarantine.{name}"
        if not lakehouse.exists(table):
            continue
        rows = lakehouse.query(
            "SELECT batch_id, delivery, failed_check, count(*) AS records, min(reason) AS example FROM q "
            "GROUP BY batch_id, delivery, failed_check ORDER BY batch_id DESC, records DESC",
            q=table,
        ).to_pylist()
        batches = sorted(batch_ledger.latest(lakehouse, name))
        found += [RefusalView(input=name, usual=_usual(row, rows, batches), **row) for row in rows[:limit]]
    return sorted(found, key=lambda one: (one.batch_id[:10], one.records), reverse=True)[:limit]


def _usual(row: Row, rows: list[Row], batches: list[str]) -> float | None:
    """Records that failed the row's check per batch before its own."""
    before = [batch for batch in batches if batch < row["batch_id"]]
    same = [one["records"] for one in rows if one["failed_check"] == row["failed_check"] and one["batch_id"] in before]
    return sum(same) / len(before) if before else None
