"""`ops.model_variants`: what smaller and simpler models than a version would cost."""

from __future__ import annotations

from collections.abc import Sequence

from spark_jobs.lakehouse.run_context import RunContext
from spark_jobs.lakehouse.tables import Lakehouse, literal
from spark_jobs.ledgers.ledger import Row, latest_recording

TABLE = "ops.model_variants"


def record(context: RunContext, version: str, variants: Sequence[Row], chosen: str) -> None:
    """Record the variants that were compared for the version; keys are columns."""
    rows = [row | {"model_version": version, "chosen": row["variant"] == chosen} for row in variants]
    context.record(TABLE, rows)


def latest(lakehouse: Lakehouse, version: str) -> list[Row]:
    """Variants of the version's latest comparison, the full model first, then by size; empty without any."""
    found = latest_recording(lakehouse, TABLE, f"model_version = {literal(version)}")
    return sorted(found, key=lambda row: (row["variant"] != "full", -(row["bytes"] or 0)))
