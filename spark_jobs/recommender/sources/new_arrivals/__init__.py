"""New arrivals: the newest items."""

from __future__ import annotations

from spark_jobs.recommender.sources.new_arrivals.propose import scores
from spark_jobs.recommender.sources.source import Source

NEW_ARRIVALS = Source(
    name="new_arrivals",
    meaning="The newest items of the catalogue.",
    words="New",
    depth=10,
    scores=scores,
)
