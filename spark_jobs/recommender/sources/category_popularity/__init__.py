"""Category popularity: what is popular lately in the user's favourite categories."""

from __future__ import annotations

from spark_jobs.recommender.sources.category_popularity.propose import scores
from spark_jobs.recommender.sources.source import Source

CATEGORY_POPULARITY = Source(
    name="category_popularity",
    meaning="What is popular lately in the user's favourite categories.",
    words="Popular in what you like",
    depth=40,
    scores=scores,
)
