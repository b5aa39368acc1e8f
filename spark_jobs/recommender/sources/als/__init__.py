"""Matrix factorisation with implicit ALS; users are folded in from their history."""

from __future__ import annotations

from spark_jobs.recommender.sources.als.propose import learnt_factors, scores
from spark_jobs.recommender.sources.source import Learnt, Source

ALS = Source(
    name="als",
    meaning="Items near the user in the space of an implicit matrix factorisation.",
    words="People with similar taste took it",
    depth=100,
    scores=scores,
    learnt=Learnt("gold.item_factors", learnt_factors),
)
