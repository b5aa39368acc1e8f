"""Segment popularity: what people with the user's attributes take more than others; it knows new users, too."""

from __future__ import annotations

from spark_jobs.recommender.sources.segment_popularity.score import fitted_segments, scores
from spark_jobs.recommender.sources.source import FittedModel, Source

SEGMENT_POPULARITY = Source(
    name="segment_popularity",
    description="What is popular with users who share the user's attributes.",
    reason_template="Popular with people like you",
    candidates_per_user=50,
    scores=scores,
    fitted=FittedModel("gold.segment_popularity", fitted_segments),
)
