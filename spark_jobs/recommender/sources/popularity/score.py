"""What most people took, ever, and lately: the same scores for every user."""

from __future__ import annotations

from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex
from spark_jobs.recommender.arrays.scores import SharedScores, popularity_scores
from spark_jobs.recommender.arrays.user_batch import UserBatch


def ever(batch: UserBatch, index: RetrievalIndex) -> SharedScores:
    """Share of all positive events."""
    return popularity_scores(index, "popularity_all")


def lately(batch: UserBatch, index: RetrievalIndex) -> SharedScores:
    """Share of positive events with a half-life of 30 days."""
    return popularity_scores(index, "popularity_30d")
