"""Next item: what often followed the user's latest items in other histories."""

from __future__ import annotations

from spark_jobs.recommender.sources.item_to_item.score import neighbour_matrices
from spark_jobs.recommender.sources.next_item.score import scores
from spark_jobs.recommender.sources.source import FittedModel, Source

NEXT_ITEM = Source(
    name="next_item",
    description="Items that followed the user's latest ones in other histories.",
    reason_template="Often next after what you took last",
    candidates_per_user=40,
    scores=scores,
    fitted=FittedModel("gold.item_neighbours", neighbour_matrices),
)
