"""Segment popularity: what people with the user's attributes take more than others; it knows newcomers, too."""

from __future__ import annotations

from spark_jobs.recommender.sources.segment_popularity.propose import learnt_segments, scores
from spark_jobs.recommender.sources.source import Learnt, Source

SEGMENT_POPULARITY = Source(
    name="segment_popularity",
    meaning="What is popular with users who share the user's attributes.",
    words="Popular with people like you",
    depth=50,
    scores=scores,
    learnt=Learnt("gold.segment_popularity", learnt_segments),
)
