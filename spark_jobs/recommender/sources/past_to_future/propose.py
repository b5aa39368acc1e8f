"""What the regression expects after the user's history."""

from __future__ import annotations

import numpy as np

from spark_jobs.recommender.snapshots.retrieval_index import RetrievalIndex
from spark_jobs.recommender.snapshots.user_batch import UserBatch


def scores(batch: UserBatch, index: RetrievalIndex) -> np.ndarray:
    """The user's history, scaled to unit length, times the weights, users × items."""
    return np.asarray((batch.unit_taken @ index.learnt["past_to_future"]).toarray(), dtype=np.float32)
