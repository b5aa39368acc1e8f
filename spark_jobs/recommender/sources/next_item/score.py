"""What followed the user's latest items."""

from __future__ import annotations

from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex
from spark_jobs.recommender.arrays.scores import SparseScores
from spark_jobs.recommender.arrays.user_batch import UserBatch


def scores(batch: UserBatch, index: RetrievalIndex) -> SparseScores:
    """Transitions from the user's latest items, the latest counting most, users × items."""
    return SparseScores(batch.latest_items @ index.fitted["next_item"])
