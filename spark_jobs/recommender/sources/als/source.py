"""Matrix factorisation: users folded in from their history, times item factors."""

from __future__ import annotations

import numpy as np

from spark_jobs.recommender.snapshots.retrieval_index import RetrievalIndex
from spark_jobs.recommender.snapshots.user_batch import UserBatch
from spark_jobs.recommender.sources.als.fold_in import fold_in


def als(batch: UserBatch, index: RetrievalIndex) -> np.ndarray:
    """Predicted preference, users × items; 0 for users without positive history."""
    users = fold_in(batch.taken, index.factors)
    return np.asarray(users @ index.factors.T, dtype=np.float32)
