"""Category popularity: what is popular lately in the user's favourite categories."""

from __future__ import annotations

from spark_jobs.recommender.sources.category_popularity.score import scores
from spark_jobs.recommender.sources.source import Source

CATEGORY_POPULARITY = Source(
    name="category_popularity",
    description="What is popular lately in the user's favourite categories.",
    reason_template="Popular in what you like",
    candidates_per_user=40,
    scores=scores,
)
