"""The newest items: the same scores for every user."""

from __future__ import annotations

import numpy as np

from spark_jobs.recommender.snapshots.retrieval_index import RetrievalIndex
from spark_jobs.recommender.snapshots.user_batch import UserBatch


def scores(batch: UserBatch, index: RetrievalIndex) -> np.ndarray:
    """Newness, users × items (one row, repeated without copying)."""
    return np.broadcast_to(index.newness.astype(np.float32), batch.shape)
