"""New arrivals: the newest items."""

from __future__ import annotations

from spark_jobs.recommender.sources.new_arrivals.score import scores
from spark_jobs.recommender.sources.source import Source

NEW_ARRIVALS = Source(
    name="new_arrivals",
    description="The newest items of the catalogue.",
    reason_template="New",
    candidates_per_user=10,
    scores=scores,
)
