"""The ranker's feature vocabulary: names, meaning and the direction in which each may move the score."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from spark_jobs.recommender.features.content import NUMBERS
from spark_jobs.recommender.sources import SOURCES


@dataclass(frozen=True)
class Feature:
    """One ranker input. `monotone` is +1 / -1 where a larger value may only raise / lower the score."""

    name: str
    description: str
    monotone: int = 0


_SOURCE_FEATURES = [
    feature
    for source in SOURCES
    for feature in (
        Feature(f"{source}_score", f"Score of source {source} for the item, whichever source proposed it.", 1),
        Feature(f"{source}_rank", f"Rank (1 = best) of the item by {source} inside the user's candidate pool.", -1),
    )
]

_NUMBERS = {
    "title_year": "The year that the item's title names",
    **{f"attribute_{n}": f"The item's numeric attribute number {n} by name" for n in range(1, NUMBERS + 1)},
}
_NUMBER_FEATURES = [
    feature
    for name, what in _NUMBERS.items()
    for feature in (
        Feature(name, f"{what}; NaN without one."),
        Feature(f"{name}_gap", f"{what}, less the mean of the user's decayed history."),
    )
]

FEATURES: tuple[Feature, ...] = (
    *_SOURCE_FEATURES,
    Feature("proposed_by", "Number of sources that proposed the item.", 1),
    Feature("user_events", "Log of 1 + events of the user before the cutoff."),
    Feature("user_tenure_days", "Days from the user's first event to the cutoff."),
    Feature("user_recency_days", "Days from the user's latest event to the cutoff."),
    Feature("user_popularity_taste", "Mean popularity percentile of the items in the user's history, 0..1."),
    Feature("user_positive_share", "Share of the user's events with a positive weight."),
    Feature("user_active_days", "Log of 1 + days with events in the user's recent history."),
    Feature("user_late_share", "Share of the user's events in the 28 days before the cutoff."),
    Feature("item_popularity_7d", "Decayed positive events of the item, half-life 7 days, as share of the total."),
    Feature("item_popularity_30d", "Decayed positive events of the item, half-life 30 days, as share of the total."),
    Feature("item_popularity_180d", "Decayed positive events of the item, half-life 180 days, as share of the total."),
    Feature("item_returning_popularity", "Share of recent events of the item by users with earlier history."),
    Feature("item_trend", "Log ratio of 7-day to 180-day popularity share."),
    Feature("item_popularity_last_year", "Popularity share of the item a year before the four weeks that follow."),
    Feature("item_usual_position", "Mean log of the item's place in users' histories."),
    Feature("item_repeat_share", "Share of the item's events by users who had it more than a day before."),
    Feature("item_age_days", "Days from the item's first event to the cutoff."),
    Feature("item_mean_weight", "Mean event weight of the item."),
    Feature("category_affinity", "Share of the user's weighted history in the item's categories."),
    Feature("category_aversion", "Share of the user's negative events in the item's categories."),
    *_NUMBER_FEATURES,
    Feature("content_affinity", "Cosine of the user's decayed history with the item's categories and attributes."),
    Feature("latest_similarity", "Co-visitation similarity of the item to the user's latest items."),
    Feature("own_events", "Events of the user with this item before the cutoff."),
    Feature("own_recency_days", "Days since the user's latest event with this item."),
)

FEATURE_NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
SOURCE_OF = {f"{source}_{kind}": source for source in SOURCES for kind in ("score", "rank")}
"""By feature the source whose score or rank it is."""


def features_with(sources: Collection[str]) -> list[str]:
    """What a ranker learns from where these sources are on: all features but scores and ranks of others.

    >>> len(features_with(['popularity'])) < len(FEATURE_NAMES), 'als_score' in features_with(['popularity'])
    (True, False)
    """
    return [name for name in FEATURE_NAMES if SOURCE_OF.get(name) in (None, *sources)]


def sources_behind(names: Iterable[str]) -> set[str]:
    """The sources whose scores or ranks are among the features.

    >>> sorted(sources_behind(['als_score', 'als_rank', 'ease_rank', 'user_events']))
    ['als', 'ease']
    """
    return {SOURCE_OF[name] for name in names if name in SOURCE_OF}
