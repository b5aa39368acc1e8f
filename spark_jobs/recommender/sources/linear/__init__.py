"""Linear: an item-item regression without self-similarity, over the most popular items."""

from __future__ import annotations

from spark_jobs.recommender.sources.item_to_item.propose import neighbour_matrices
from spark_jobs.recommender.sources.linear.propose import scores
from spark_jobs.recommender.sources.source import Learnt, Source

LINEAR = Source(
    name="linear",
    meaning="Items that a linear model of all items (EASE) predicts from the user's history.",
    words="Goes with what you took",
    depth=60,
    scores=scores,
    learnt=Learnt("gold.item_neighbours", neighbour_matrices),
)
