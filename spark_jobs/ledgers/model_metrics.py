"""`ops.model_metrics`: metrics of every model version and of the baselines on the same rows."""

from __future__ import annotations

from collections.abc import Sequence

from spark_jobs.lakehouse.run_context import RunContext
from spark_jobs.lakehouse.tables import Lakehouse, literal
from spark_jobs.ledgers.ledger import Row, latest_of_each, rows

TABLE = "ops.model_metrics"
EVALUATION = "ndcg_at_10"
"""A metric that every evaluation has, which tells it from the rows of an export."""


def record(context: RunContext, version: str, metrics: Sequence[Row]) -> None:
    """Record metrics of one evaluation or export of the version, in one commit; keys are columns."""
    context.record(TABLE, [row | {"model_version": version} for row in metrics])


def latest_evaluation(lakehouse: Lakehouse, version: str) -> list[Row]:
    """The rows of the version's latest evaluation, without those of its export."""
    of_version = f"model_version = {literal(version)}"
    latest = f"(SELECT max(recorded_at) FROM ledger WHERE {of_version} AND metric = '{EVALUATION}')"
    return rows(lakehouse, TABLE, f"{of_version} AND recorded_at = {latest}")


def latest(lakehouse: Lakehouse, where: str) -> list[Row]:
    """The rows of each version and model that fulfil `where`, as evaluated last."""
    return latest_of_each(lakehouse, TABLE, ("model_version", "model"), where)


def ndcg_by_version(lakehouse: Lakehouse) -> dict[str, float]:
    """NDCG@10 of each model version on all returning users, as evaluated last."""
    ranker = f"model = 'ranker' AND metric = '{EVALUATION}' AND slice IS NULL"
    found = latest_of_each(lakehouse, TABLE, ("model_version",), ranker)
    return {row["model_version"]: row["value"] for row in found}
