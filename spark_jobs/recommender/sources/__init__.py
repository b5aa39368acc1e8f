"""Candidate sources: each scores a batch of users against the whole catalogue, in numpy.

A new source is a function `(batch, index) -> users × items` here, its name in `contracts.features.SOURCES`,
and its words in `recommender.reasons`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spark_jobs.recommender.retrieval_index import RetrievalIndex
from spark_jobs.recommender.sources.als import als
from spark_jobs.recommender.sources.item_to_item import item_to_item
from spark_jobs.recommender.sources.own_history import own_history
from spark_jobs.recommender.sources.popularity import popularity, recent_popularity
from spark_jobs.recommender.user_batch import UserBatch

Source = Callable[[UserBatch, RetrievalIndex], np.ndarray]

SOURCE_FUNCTIONS: dict[str, tuple[Source, int]] = {
    "item_to_item": (item_to_item, 100),
    "als": (als, 100),
    "own_history": (own_history, 50),
    "recent_popularity": (recent_popularity, 100),
    "popularity": (popularity, 100),
}
"""Source functions by name, each with the number of candidates it proposes per user."""
