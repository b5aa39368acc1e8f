"""Candidate sources, a folder each. A new one is a folder with a `Source`, and its place in this list."""

from __future__ import annotations

from spark_jobs.recommender.sources.als import ALS
from spark_jobs.recommender.sources.item_to_item import ITEM_TO_ITEM
from spark_jobs.recommender.sources.own_history import OWN_HISTORY
from spark_jobs.recommender.sources.popularity import POPULARITY, RECENT_POPULARITY
from spark_jobs.recommender.sources.source import Source

SOURCES: dict[str, Source] = {
    source.name: source for source in (ITEM_TO_ITEM, ALS, OWN_HISTORY, RECENT_POPULARITY, POPULARITY)
}
"""All sources by name, in the order in which ties for the reason are broken (most personal first)."""
