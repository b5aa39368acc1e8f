"""What most people took, ever, and lately: the same scores for every user."""

from __future__ import annotations

import numpy as np

from spark_jobs.recommender.snapshots.retrieval_index import RetrievalIndex
from spark_jobs.recommender.snapshots.scores import SharedScores
from spark_jobs.recommender.snapshots.user_batch import UserBatch


def ever(batch: UserBatch, index: RetrievalIndex) -> SharedScores:
    """Share of all positive events."""
    return SharedScores(index.popularity["popularity_all"].astype(np.float32))


def lately(batch: UserBatch, index: RetrievalIndex) -> SharedScores:
    """Share of positive events with a half-life of 30 days."""
    return SharedScores(index.popularity["popularity_30d"].astype(np.float32))
