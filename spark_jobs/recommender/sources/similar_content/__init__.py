"""Similar content: new items like those that the user took."""

from __future__ import annotations

from spark_jobs.recommender.sources.similar_content.score import scores
from spark_jobs.recommender.sources.source import Source

SIMILAR_CONTENT = Source(
    name="similar_content",
    description="New items with the categories and attributes of what the user took.",
    reason_template="New, and like what you took",
    candidates_per_user=20,
    scores=scores,
)
