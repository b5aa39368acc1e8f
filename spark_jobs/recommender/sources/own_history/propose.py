"""What the user took before: repurchases and things to continue, where the rules allow them."""

from __future__ import annotations

import numpy as np

from spark_jobs.recommender.snapshots.retrieval_index import RetrievalIndex
from spark_jobs.recommender.snapshots.user_batch import UserBatch


def scores(batch: UserBatch, index: RetrievalIndex) -> np.ndarray:
    """The user's own decayed positive evidence for each item, users × items."""
    return np.asarray(batch.taken.toarray(), dtype=np.float32)
