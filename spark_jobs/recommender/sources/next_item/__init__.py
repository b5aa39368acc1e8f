"""Next item: what often followed the user's latest items in other histories."""

from __future__ import annotations

from spark_jobs.recommender.sources.item_to_item.propose import neighbour_matrices
from spark_jobs.recommender.sources.next_item.propose import scores
from spark_jobs.recommender.sources.source import Learnt, Source

NEXT_ITEM = Source(
    name="next_item",
    meaning="Items that followed the user's latest ones in other histories.",
    words="Often next after what you took last",
    depth=40,
    scores=scores,
    learnt=Learnt("gold.item_neighbours", neighbour_matrices),
)
