"""What the linear item-item model sees in the user's history."""

from __future__ import annotations

import numpy as np

from spark_jobs.recommender.snapshots.retrieval_index import RetrievalIndex
from spark_jobs.recommender.snapshots.user_batch import UserBatch


def scores(batch: UserBatch, index: RetrievalIndex) -> np.ndarray:
    """The user's decayed history times the weights, users × items."""
    return np.asarray((batch.taken @ index.learnt["linear"]).toarray(), dtype=np.float32)
