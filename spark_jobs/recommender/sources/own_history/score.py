"""What the user took before: repurchases and things to continue, where the rules allow them."""

from __future__ import annotations

from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex
from spark_jobs.recommender.arrays.scores import SparseScores
from spark_jobs.recommender.arrays.user_batch import UserBatch


def scores(batch: UserBatch, index: RetrievalIndex) -> SparseScores:
    """The user's own decayed positive evidence for each item, users × items."""
    return SparseScores(batch.taken)
