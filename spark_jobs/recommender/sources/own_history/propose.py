"""What the user took before: repurchases and things to continue, where the rules allow them."""

from __future__ import annotations

from spark_jobs.recommender.snapshots.retrieval_index import RetrievalIndex
from spark_jobs.recommender.snapshots.scores import SparseScores
from spark_jobs.recommender.snapshots.user_batch import UserBatch


def scores(batch: UserBatch, index: RetrievalIndex) -> SparseScores:
    """The user's own decayed positive evidence for each item, users × items."""
    return SparseScores(batch.taken)
