"""What is popular lately in the categories of the user's history."""

from __future__ import annotations

import numpy as np

from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex
from spark_jobs.recommender.arrays.scores import FactoredScores
from spark_jobs.recommender.arrays.user_batch import UserBatch


def scores(batch: UserBatch, index: RetrievalIndex) -> FactoredScores:
    """Recent popularity within categories, by the user's decayed share of them."""
    liked = (batch.taken @ index.categories).toarray().astype(np.float32)
    return FactoredScores(liked, index.category_popularity, index.category_leaders)
