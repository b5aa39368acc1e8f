"""What a team would try first, without any model: measured beside the sources, never part of a pool."""

from __future__ import annotations

import numpy as np

from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex
from spark_jobs.recommender.arrays.scores import SharedScores, SparseScores, popularity_scores
from spark_jobs.recommender.arrays.user_batch import UserBatch
from spark_jobs.recommender.sources.source import Scorer


def most_frequent(batch: UserBatch, index: RetrievalIndex) -> SparseScores:
    """How often the user took each item."""
    positive = batch.weights > 0
    return SparseScores(batch.matrix(np.ones(len(batch.items), dtype=np.float32), positive))


def popularity_of(name: str) -> Scorer:
    """The same popularity for every user."""

    def scores(batch: UserBatch, index: RetrievalIndex) -> SharedScores:
        return popularity_scores(index, name)

    return scores


BASELINES: dict[str, Scorer] = {
    "most_frequent": most_frequent,
    "popularity_7d": popularity_of("popularity_7d"),
    "popularity_180d": popularity_of("popularity_180d"),
    "popularity_last_year": popularity_of("popularity_last_year"),
}
"""By name; popularity ever and with a half-life of 30 days are sources, and measured as such."""
DESCRIPTIONS = {
    "most_frequent": "how often the user took the item.",
    "popularity_7d": "popularity with a half-life of 7 days.",
    "popularity_180d": "popularity with a half-life of 180 days.",
    "popularity_last_year": "what people took in the next four weeks a year ago.",
}
