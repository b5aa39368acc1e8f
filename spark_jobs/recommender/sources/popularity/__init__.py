"""Popularity: what most people took, ever and lately."""

from __future__ import annotations

from spark_jobs.recommender.sources.popularity.score import ever, lately
from spark_jobs.recommender.sources.source import Source

RECENT_POPULARITY = Source(
    name="recent_popularity",
    description="What most people took lately, with a half-life of 30 days.",
    reason_template="Popular these days",
    candidates_per_user=100,
    scores=lately,
)
POPULARITY = Source(
    name="popularity",
    description="What most people took, ever.",
    reason_template="Popular with everyone",
    candidates_per_user=100,
    scores=ever,
)
