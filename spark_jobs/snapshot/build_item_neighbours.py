"""Item-to-item similarities: for each item, those that the same users took.

Reads gold.user_histories, writes gold.item_neighbours for the same snapshots.
"""

from __future__ import annotations

from spark_jobs.lakehouse.night import Night
from spark_jobs.recommender.sources.item_to_item.fit import neighbours


def run(night: Night) -> None:
    """Find the neighbours of every item as of every snapshot of tonight."""
    night.replace("gold.item_neighbours", neighbours(night.read("gold.user_histories")))
