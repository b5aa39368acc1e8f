"""Past to future: what people with such a history took next."""

from __future__ import annotations

from spark_jobs.recommender.sources.item_to_item.propose import neighbour_matrices
from spark_jobs.recommender.sources.past_to_future.propose import scores
from spark_jobs.recommender.sources.source import Learnt, Source

PAST_TO_FUTURE = Source(
    name="past_to_future",
    meaning="Items that a regression of later on earlier events expects after the user's history.",
    words="People with your history took it next",
    depth=80,
    scores=scores,
    learnt=Learnt("gold.item_neighbours", neighbour_matrices),
)
