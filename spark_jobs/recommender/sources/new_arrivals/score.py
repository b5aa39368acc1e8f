"""The newest items: the same scores for every user."""

from __future__ import annotations

import numpy as np

from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex
from spark_jobs.recommender.arrays.scores import SharedScores
from spark_jobs.recommender.arrays.user_batch import UserBatch


def scores(batch: UserBatch, index: RetrievalIndex) -> SharedScores:
    """Newness."""
    return index.once("newness", lambda: SharedScores(index.newness.astype(np.float32)))
