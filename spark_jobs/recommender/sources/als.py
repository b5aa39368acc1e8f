"""Matrix factorisation: users folded in from their history, times item factors."""

from __future__ import annotations

import numpy as np

from spark_jobs.recommender.matrix_factorisation import fold_in
from spark_jobs.recommender.retrieval_index import RetrievalIndex
from spark_jobs.recommender.user_batch import UserBatch


def als(batch: UserBatch, index: RetrievalIndex) -> np.ndarray:
    """Predicted preference, users × items; 0 for users without positive history."""
    users = fold_in(batch.taken, index.factors)
    return np.asarray(users @ index.factors.T, dtype=np.float32)
