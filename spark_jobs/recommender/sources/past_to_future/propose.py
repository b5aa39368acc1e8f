"""What the regression expects after the user's history."""

from __future__ import annotations

from spark_jobs.recommender.snapshots.retrieval_index import RetrievalIndex
from spark_jobs.recommender.snapshots.scores import SparseScores
from spark_jobs.recommender.snapshots.user_batch import UserBatch


def scores(batch: UserBatch, index: RetrievalIndex) -> SparseScores:
    """The user's history, scaled to unit length, times the weights, users × items."""
    return SparseScores(batch.unit_taken @ index.learnt["past_to_future"])
