"""Linear: an item-item regression without self-similarity, over the most popular items."""

from __future__ import annotations

from spark_jobs.recommender.sources.ease.score import scores
from spark_jobs.recommender.sources.item_to_item.score import neighbour_matrices
from spark_jobs.recommender.sources.source import FittedModel, Source

EASE = Source(
    name="ease",
    description="Items that a linear model of all items (EASE) predicts from the user's history.",
    reason_template="Goes with what you took",
    candidates_per_user=60,
    scores=scores,
    fitted=FittedModel("gold.item_neighbours", neighbour_matrices),
)
