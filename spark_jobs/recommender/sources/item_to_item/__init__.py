"""Item-to-item: items that the same users took, by damped co-visitation of decayed histories."""

from __future__ import annotations

from spark_jobs.recommender.sources.item_to_item.propose import neighbour_matrices, scores, strongest_evidence
from spark_jobs.recommender.sources.source import Learnt, Source

ITEM_TO_ITEM = Source(
    name="item_to_item",
    meaning="Items that the same users took as those in the user's history, recent ones counting more.",
    words="Because of {title}",
    depth=100,
    scores=scores,
    learnt=Learnt("gold.item_neighbours", neighbour_matrices),
    evidence=strongest_evidence,
)
