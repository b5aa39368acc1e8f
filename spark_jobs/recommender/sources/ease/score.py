"""What the linear item-item model sees in the user's history."""

from __future__ import annotations

from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex
from spark_jobs.recommender.arrays.scores import SparseScores
from spark_jobs.recommender.arrays.user_batch import UserBatch


def scores(batch: UserBatch, index: RetrievalIndex) -> SparseScores:
    """The user's decayed history times the weights, users × items."""
    return SparseScores(batch.taken @ index.fitted["ease"])
