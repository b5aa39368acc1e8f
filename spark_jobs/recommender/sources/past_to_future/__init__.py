"""Past to future: what people with such a history took next."""

from __future__ import annotations

from spark_jobs.recommender.sources.item_to_item.score import neighbour_matrices
from spark_jobs.recommender.sources.past_to_future.score import scores
from spark_jobs.recommender.sources.source import FittedModel, Source

PAST_TO_FUTURE = Source(
    name="past_to_future",
    description="Items that a regression of later on earlier events expects after the user's history.",
    reason_template="People with your history took it next",
    candidates_per_user=80,
    scores=scores,
    fitted=FittedModel("gold.item_neighbours", neighbour_matrices),
)
