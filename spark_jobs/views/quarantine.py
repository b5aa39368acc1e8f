"""Refused records, grouped by the check that they failed and by what delivered them."""

from __future__ import annotations

from dataclasses import dataclass

from spark_jobs.lakehouse.tables import Lakehouse

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


def refusals(lakehouse: Lakehouse, limit: int) -> list[RefusalView]:
    """Refusals of all inputs, latest batches first, then the most records."""
    found: list[RefusalView] = []
    for name in INPUTS:
        table = f"quarantine.{name}"
        if not lakehouse.exists(table):
            continue
        rows = lakehouse.query(
            "SELECT batch_id, delivery, failed_check, count(*) AS records, min(reason) AS example FROM q "
            f"GROUP BY batch_id, delivery, failed_check ORDER BY batch_id DESC, records DESC LIMIT {limit}",
            q=table,
        ).to_pylist()
        found += [RefusalView(input=name, **row) for row in rows]
    return sorted(found, key=lambda one: (one.batch_id[:10], one.records), reverse=True)[:limit]
