"""Matrix factorisation with implicit ALS; users are folded in from their history."""

from __future__ import annotations

from spark_jobs.recommender.sources.als.score import fitted_factors, scores
from spark_jobs.recommender.sources.source import FittedModel, Source

ALS = Source(
    name="als",
    description="Items near the user in the space of an implicit matrix factorisation.",
    reason_template="People with similar taste took it",
    candidates_per_user=100,
    scores=scores,
    fitted=FittedModel("gold.item_factors", fitted_factors),
)
