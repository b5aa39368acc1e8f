"""Item-to-item: items that the same users took, by damped co-visitation of decayed histories."""

from __future__ import annotations

from spark_jobs.recommender.sources.item_to_item.score import neighbour_matrices, scores, strongest_explaining_item
from spark_jobs.recommender.sources.source import FittedModel, Source

ITEM_TO_ITEM = Source(
    name="item_to_item",
    description="Items that the same users took as those in the user's history, recent ones counting more.",
    reason_template="Because of {title}",
    candidates_per_user=100,
    scores=scores,
    fitted=FittedModel("gold.item_neighbours", neighbour_matrices),
    explaining_item=strongest_explaining_item,
)
