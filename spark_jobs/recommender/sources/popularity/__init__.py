"""Popularity: what most people took, ever and lately."""

from __future__ import annotations

from spark_jobs.recommender.sources.popularity.propose import ever, lately
from spark_jobs.recommender.sources.source import Source

RECENT_POPULARITY = Source(
    name="recent_popularity",
    meaning="What most people took lately, with a half-life of 30 days.",
    words="Popular these days",
    depth=100,
    scores=lately,
)
POPULARITY = Source(
    name="popularity",
    meaning="What most people took, ever.",
    words="Popular with everyone",
    depth=100,
    scores=ever,
)
