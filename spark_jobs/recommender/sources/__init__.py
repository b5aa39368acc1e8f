"""Candidate sources, a folder each. A new one is a folder with a `Source`, and its place in this list."""

from __future__ import annotations

from collections.abc import Mapping

from spark_jobs.contracts.domain.policies import OFF_BY_DEFAULT, CandidateSource
from spark_jobs.recommender.sources.als import ALS
from spark_jobs.recommender.sources.category_popularity import CATEGORY_POPULARITY
from spark_jobs.recommender.sources.ease import EASE
from spark_jobs.recommender.sources.item_to_item import ITEM_TO_ITEM
from spark_jobs.recommender.sources.new_arrivals import NEW_ARRIVALS
from spark_jobs.recommender.sources.next_item import NEXT_ITEM
from spark_jobs.recommender.sources.own_history import OWN_HISTORY
from spark_jobs.recommender.sources.past_to_future import PAST_TO_FUTURE
from spark_jobs.recommender.sources.popularity import POPULARITY, RECENT_POPULARITY
from spark_jobs.recommender.sources.segment_popularity import SEGMENT_POPULARITY
from spark_jobs.recommender.sources.similar_content import SIMILAR_CONTENT
from spark_jobs.recommender.sources.source import Source

_ALL = (
    OWN_HISTORY,
    ITEM_TO_ITEM,
    NEXT_ITEM,
    PAST_TO_FUTURE,
    EASE,
    ALS,
    SIMILAR_CONTENT,
    CATEGORY_POPULARITY,
    SEGMENT_POPULARITY,
    NEW_ARRIVALS,
    RECENT_POPULARITY,
    POPULARITY,
)
SOURCES: dict[str, Source] = {source.name: source for source in _ALL}
"""All sources by name, in the order in which ties for the reason are broken (most personal first)."""


STARTERS = ("category_popularity", "popularity")
"""What serves where no ranker can, the first of them that is on: they have a list for everybody, and the first goes by
what a user leans to."""


def starting_source(of_domain: Mapping[CandidateSource, int]) -> str:
    """The source that serves until a ranker can: the first of STARTERS that is on, else of all sources."""
    on = sources_on(of_domain)
    return next(name for name in (*STARTERS, *SOURCES) if name in on)


def candidates_per_source(of_domain: Mapping[CandidateSource, int]) -> dict[str, int]:
    """Items that each source proposes per user: what the domain file says, else the source itself."""
    return {source.name: 0 if source.name in OFF_BY_DEFAULT else source.candidates_per_user for source in _ALL} | dict(
        of_domain
    )


def sources_on(of_domain: Mapping[CandidateSource, int]) -> set[str]:
    """Names of the sources that propose anything."""
    return {name for name, count in candidates_per_source(of_domain).items() if count}
