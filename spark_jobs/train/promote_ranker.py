"""Make the version trained tonight champion if it beats the baselines.

Reads ops.model_metrics, writes one row to ops.decisions; the registry's alias follows it. A first model is promoted
even if it does not, with the reason written down: lists of a weak ranker are better than none.
"""

from __future__ import annotations

from datetime import timedelta

from spark_jobs.lakehouse.decisions import champion
from spark_jobs.lakehouse.night import Night
from spark_jobs.lakehouse.tables import literal
from spark_jobs.recommender.evaluation.promotion import judge
from spark_jobs.recommender.features.vocabulary import FEATURE_NAMES
from spark_jobs.registry.model_registry import ModelRegistry


def run(night: Night) -> None:
    """Decide, write it down, and let the alias follow."""
    registry = ModelRegistry(night.settings, night.domain)
    version = registry.require_trained_on(night.run_date).number
    first = champion(night.lakehouse, until=night.run_date - timedelta(days=1)) is None
    promote, reason = judge(ndcg_by_contender(night, version), first=first)
    outcome = "yes" if promote else "no"
    decision = {"decision": "promote", "outcome": outcome, "reason": reason, "model_version": version}
    night.record("ops.decisions", [decision | {"features": list(FEATURE_NAMES)}])
    registry.point_champion(champion(night.lakehouse))


def ndcg_by_contender(night: Night, version: str) -> dict[str, float]:
    """NDCG@10 of the latest evaluation of the version, by contender."""
    rows = night.lakehouse.query(
        f"SELECT contender, value FROM metrics WHERE model_version = {literal(version)} AND metric = 'ndcg_at_10' "
        "AND slice IS NULL "
        "ORDER BY recorded_at",
        metrics=("ops.model_metrics", night.pin("ops.model_metrics")),
    ).to_pylist()
    return {row["contender"]: row["value"] for row in rows}
