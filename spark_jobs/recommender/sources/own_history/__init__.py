"""Own history: what the user took before."""

from __future__ import annotations

from spark_jobs.recommender.sources.own_history.score import scores
from spark_jobs.recommender.sources.source import Source

OWN_HISTORY = Source(
    name="own_history",
    description="What the user took before, where the already-seen rules allow it again.",
    reason_template="You took it before",
    candidates_per_user=50,
    scores=scores,
)
