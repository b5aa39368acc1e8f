"""What each candidate source brings: recall of the latest evaluation, and what was lost before ranking."""

from __future__ import annotations

from dataclasses import dataclass

from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers import model_metrics
from spark_jobs.views.quality import quality_over_time


@dataclass(frozen=True)
class SourceView:
    """One evaluated model or source."""

    model: str
    pool_recall: float
    """Share of relevant items among its candidates."""
    marginal_recall: float | None
    """Share that no other source proposes; of sources only."""


def recall_by_source(lakehouse: Lakehouse) -> list[SourceView]:
    """Of the latest training, the most first; empty before the first one."""
    latest = quality_over_time(lakehouse, 1)
    if not latest:
        return []
    rows = model_metrics.latest_evaluation(lakehouse, latest[0].model_version)
    value = {(row["model"], row["metric"]): row["value"] for row in rows if row["slice"] is None}
    sources = {model for model, metric in value if metric == "marginal_recall"}
    found = [
        SourceView(model, value[model, "pool_recall"], value.get((model, "marginal_recall")))
        for model in ("ranker", *sources)
        if (model, "pool_recall") in value
    ]
    return sorted(found, key=lambda one: -one.pool_recall)
