"""`ops.snapshots`: every snapshot that was built, with the fingerprint of what it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from spark_jobs.lakehouse.run_context import RunContext
from spark_jobs.lakehouse.tables import Lakehouse, literal
from spark_jobs.ledgers.ledger import latest_of_each

TABLE = "ops.snapshots"


def record(context: RunContext, table: str, fingerprints: Mapping[date, str]) -> None:
    """Record the fingerprints of snapshots of one table, by date."""
    rows = [{"table": table, "as_of": day, "fingerprint": text} for day, text in fingerprints.items()]
    context.record(TABLE, rows)


def fingerprints(lakehouse: Lakehouse, table: str) -> dict[date, str]:
    """Fingerprint recorded last for every snapshot of the table."""
    found = latest_of_each(lakehouse, TABLE, ("as_of",), f'"table" = {literal(table)}')
    return {row["as_of"]: row["fingerprint"] for row in found}
