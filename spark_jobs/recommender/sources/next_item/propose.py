"""What followed the user's latest items."""

from __future__ import annotations

import numpy as np

from spark_jobs.recommender.snapshots.retrieval_index import RetrievalIndex
from spark_jobs.recommender.snapshots.user_batch import UserBatch


def scores(batch: UserBatch, index: RetrievalIndex) -> np.ndarray:
    """Transitions from the user's latest items, the latest counting most, users × items."""
    return np.asarray((batch.latest_items @ index.learnt["next_item"]).toarray(), dtype=np.float32)
