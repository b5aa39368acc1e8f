"""What the regression expects after the user's history."""

from __future__ import annotations

from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex
from spark_jobs.recommender.arrays.scores import SparseScores
from spark_jobs.recommender.arrays.user_batch import UserBatch


def scores(batch: UserBatch, index: RetrievalIndex) -> SparseScores:
    """The user's history, scaled to unit length, times the weights, users × items."""
    return SparseScores(batch.unit_taken @ index.fitted["past_to_future"])
