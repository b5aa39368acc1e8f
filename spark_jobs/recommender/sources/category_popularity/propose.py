"""What is popular lately in the categories of the user's history."""

from __future__ import annotations

import numpy as np

from spark_jobs.recommender.snapshots.retrieval_index import RetrievalIndex
from spark_jobs.recommender.snapshots.user_batch import UserBatch


def scores(batch: UserBatch, index: RetrievalIndex) -> np.ndarray:
    """Recent popularity within categories, by the user's decayed share of them, users × items."""
    return np.asarray((batch.taken @ index.categories @ index.category_popularity).toarray(), dtype=np.float32)
