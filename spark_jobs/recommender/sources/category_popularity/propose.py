"""What is popular lately in the categories of the user's history."""

from __future__ import annotations

import numpy as np

from spark_jobs.recommender.snapshots.retrieval_index import RetrievalIndex
from spark_jobs.recommender.snapshots.scores import FactoredScores
from spark_jobs.recommender.snapshots.user_batch import UserBatch


def scores(batch: UserBatch, index: RetrievalIndex) -> FactoredScores:
    """Recent popularity within categories, by the user's decayed share of them."""
    liked = (batch.taken @ index.categories).toarray().astype(np.float32)
    return FactoredScores(liked, index.category_popularity, index.category_leaders)
