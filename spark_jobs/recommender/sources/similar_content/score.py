"""New items with the categories and attributes that the user prefers: nobody may have taken them yet."""

from __future__ import annotations

from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex
from spark_jobs.recommender.arrays.scores import SparseScores
from spark_jobs.recommender.arrays.user_batch import UserBatch


def scores(batch: UserBatch, index: RetrievalIndex) -> SparseScores:
    """Cosine of the user's decayed history with new items, by categories and attributes, users × items."""
    return SparseScores(batch.taken @ index.content @ index.new_content)
