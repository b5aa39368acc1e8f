"""Features of (user, item) pairs that are not a source's score or rank; see features/vocabulary.py for descriptions."""

from __future__ import annotations

import numpy as np

from spark_jobs.recommender.arrays.item_events import unit_rows
from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex
from spark_jobs.recommender.arrays.scores import rowwise_dot
from spark_jobs.recommender.arrays.user_batch import UserBatch
from spark_jobs.recommender.features.content import NUMBERS

LATE_DAYS = 28.0
TINY = 1e-9


def pair_features(
    batch: UserBatch, index: RetrievalIndex, users: np.ndarray, items: np.ndarray
) -> dict[str, np.ndarray]:
    """One array per feature, aligned with the pairs."""
    return {
        **{name: values[users] for name, values in _user_features(batch, index).items()},
        **_item_features(index, items),
        **_category_features(batch, index, users, items),
        **_content_features(batch, index, users, items),
        **_own_features(batch, users, items),
    }


def _user_features(batch: UserBatch, index: RetrievalIndex) -> dict[str, np.ndarray]:
    rows = batch.shape[0]
    count = np.bincount(batch.users, minlength=rows)
    some = np.where(count > 0, count, np.nan)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.asarray(np.bincount(batch.users, weights=values, minlength=rows) / some)

    latest = np.full(rows, np.inf)
    np.minimum.at(latest, batch.users, batch.ages_days)
    return {
        "user_events": np.log1p(batch.events_total),
        "user_tenure_days": batch.tenure_days,
        "user_recency_days": np.where(count > 0, latest, np.nan),
        "user_popularity_taste": mean(index.popularity_place[batch.items]),
        "user_positive_share": mean((batch.weights > 0).astype(float)),
        "user_active_days": np.log1p(_active_days(batch)),
        "user_late_share": mean((batch.ages_days < LATE_DAYS).astype(float)),
    }


def _active_days(batch: UserBatch) -> np.ndarray:
    days = np.unique(np.stack([batch.users, np.floor(batch.ages_days).astype(np.int64)]), axis=1)[0]
    return np.bincount(days, minlength=batch.shape[0])


def _item_features(index: RetrievalIndex, items: np.ndarray) -> dict[str, np.ndarray]:
    shares = {name: values[items] for name, values in index.popularity.items()}
    return {
        "item_popularity_7d": shares["popularity_7d"],
        "item_popularity_30d": shares["popularity_30d"],
        "item_popularity_180d": shares["popularity_180d"],
        "item_returning_popularity": shares["returning_popularity"],
        "item_trend": np.log((shares["popularity_7d"] + TINY) / (shares["popularity_180d"] + TINY)),
        "item_popularity_last_year": shares["popularity_last_year"],
        "item_usual_position": index.usual_position[items],
        "item_repeat_share": index.repeat_share[items],
        "item_age_days": index.age_days[items],
        "item_mean_weight": index.mean_weight[items],
    }


def _category_features(
    batch: UserBatch, index: RetrievalIndex, users: np.ndarray, items: np.ndarray
) -> dict[str, np.ndarray]:
    liked = np.asarray((batch.taken @ index.categories).todense())
    disliked = np.asarray((batch.matrix(-batch.weights, batch.weights < 0) @ index.categories).todense())
    categories = index.categories.tocsr()
    return {
        "category_affinity": rowwise_dot(
            liked / np.maximum(liked.sum(axis=1, keepdims=True), TINY), users, categories, items
        ),
        "category_aversion": rowwise_dot(
            disliked / np.maximum(disliked.sum(axis=1, keepdims=True), TINY), users, categories, items
        ),
    }


def _content_features(
    batch: UserBatch, index: RetrievalIndex, users: np.ndarray, items: np.ndarray
) -> dict[str, np.ndarray]:
    profiles = unit_rows(batch.taken @ index.content).toarray()
    latest = (batch.latest_items @ index.fitted["item_to_item"]).toarray()
    return {
        **_number_features(batch, index, users, items),
        "content_affinity": rowwise_dot(profiles, users, index.content, items),
        "latest_similarity": latest[users, items],
    }


def _number_features(
    batch: UserBatch, index: RetrievalIndex, users: np.ndarray, items: np.ndarray
) -> dict[str, np.ndarray]:
    """Numbers of the catalogue, and how far each lies from the mean of the user's history."""
    with np.errstate(invalid="ignore"):
        means = (batch.taken @ index.known_numbers) / (batch.taken @ index.has_number)
    features = {}
    for column, name in enumerate(["title_year", *(f"attribute_{n}" for n in range(1, NUMBERS + 1))]):
        features[name] = index.numbers[items, column]
        features[f"{name}_gap"] = features[name] - means[users, column]
    return features


def _own_features(batch: UserBatch, users: np.ndarray, items: np.ndarray) -> dict[str, np.ndarray]:
    """Number of the user's events with the item, and the age of the latest one (NaN without any)."""
    width = batch.shape[1]
    keys, where = np.unique(batch.users * width + batch.items, return_inverse=True)
    counts = np.bincount(where, minlength=len(keys)).astype(float)
    latest = np.full(len(keys), np.inf)
    np.minimum.at(latest, where, batch.ages_days)
    wanted = users * width + items
    place = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    known = keys[place] == wanted if len(keys) else np.zeros(len(wanted), dtype=bool)
    if not len(keys):
        return {"own_events": np.zeros(len(wanted)), "own_recency_days": np.full(len(wanted), np.nan)}
    return {
        "own_events": np.where(known, counts[place], 0.0),
        "own_recency_days": np.where(known, latest[place], np.nan),
    }
