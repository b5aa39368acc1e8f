"""Own history: what the user took before."""

from __future__ import annotations

from spark_jobs.recommender.sources.own_history.propose import scores
from spark_jobs.recommender.sources.source import Source

OWN_HISTORY = Source(
    name="own_history",
    meaning="What the user took before, where the already-seen rules allow it again.",
    words="You took it before",
    depth=50,
    scores=scores,
)
