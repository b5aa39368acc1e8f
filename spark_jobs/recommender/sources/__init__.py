"""Candidate sources: each scores a batch of users against the whole catalogue, in numpy.

A new source is a function `(batch, index) -> users × items` here, its name in `contracts.features.SOURCES`,
and its words in `recommender.reasons`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spark_jobs.recommender.snapshots.retrieval_index import RetrievalIndex
from spark_jobs.recommender.snapshots.user_batch import UserBatch
from spark_jobs.recommender.sources.als.source import als
from spark_jobs.recommender.sources.item_to_item.source import item_to_item
from spark_jobs.recommender.sources.own_history.source import own_history
from spark_jobs.recommender.sources.popularity.source import popularity, recent_popularity

Source = Callable[[UserBatch, RetrievalIndex], np.ndarray]

SOURCE_FUNCTIONS: dict[str, tuple[Source, int]] = {
    "item_to_item": (item_to_item, 100),
    "als": (als, 100),
    "own_history": (own_history, 50),
    "recent_popularity": (recent_popularity, 100),
    "popularity": (popularity, 100),
}
"""Source functions by name, each with the number of candidates it proposes per user."""
