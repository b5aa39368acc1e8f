"""Similar content: new items like those that the user took."""

from __future__ import annotations

from spark_jobs.recommender.sources.similar_content.propose import scores
from spark_jobs.recommender.sources.source import Source

SIMILAR_CONTENT = Source(
    name="similar_content",
    meaning="New items with the categories and attributes of what the user took.",
    words="New, and like what you took",
    depth=20,
    scores=scores,
)
