"""New items with the categories and attributes that the user prefers: nobody may have taken them yet."""

from __future__ import annotations

import numpy as np

from spark_jobs.recommender.snapshots.retrieval_index import RetrievalIndex
from spark_jobs.recommender.snapshots.user_batch import UserBatch


def scores(batch: UserBatch, index: RetrievalIndex) -> np.ndarray:
    """Cosine of the user's decayed history with new items, by categories and attributes, users × items."""
    return np.asarray((batch.taken @ index.content @ index.new_content.T).toarray(), dtype=np.float32)
