"""Score candidates with the ranker and cut lists: the numpy side shared by evaluation and scoring."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import numpy as np
import xgboost as xgb

from spark_jobs.contracts.errors import NightjarError
from spark_jobs.recommender.arrays.top_k import places_of
from spark_jobs.recommender.candidates import Candidates
from spark_jobs.recommender.features.vocabulary import FEATURE_NAMES


class FeatureMismatchError(NightjarError):
    """A model needs features that this code does not make any more; the message names them."""


@dataclass(frozen=True)
class Ranked:
    """The best pairs of every user: row numbers into the candidates, ordered by user and place."""

    pairs: np.ndarray
    places: np.ndarray
    """Place in the user's list, 1 is best."""


def to_bytes(booster: xgb.Booster) -> bytes:
    """The booster as UBJSON, to be broadcast.

    The list of features belongs to the model: it is scored with its own, whatever else the code makes by now. Raises
    FeatureMismatchError where the code lacks one.
    """
    if missing := missing_features(list(booster.feature_names or [])):
        raise FeatureMismatchError(
            f"The model needs features that this code does not make: {', '.join(missing)}. Train again with"
            " --force-training."
        )
    return bytes(booster.save_raw("ubj"))


def missing_features(names: list[str]) -> list[str]:
    """Those of the features that the code does not make.

    >>> missing_features(['popularity_score', 'horoscope'])
    ['horoscope']
    """
    return [name for name in names if name not in FEATURE_NAMES]


def feature_importance(booster: xgb.Booster) -> dict[str, float]:
    """Total gain by feature, as a share."""
    gains = cast("dict[str, float]", booster.get_score(importance_type="total_gain"))
    total = sum(gains.values()) or 1.0
    return {name: gain / total for name, gain in gains.items()}


@lru_cache(maxsize=4)
def load_booster(model: bytes) -> xgb.Booster:
    """The booster from its UBJSON bytes, once per worker process."""
    booster = xgb.Booster(model_file=bytearray(model))
    booster.set_param({"nthread": 1, "device": "cpu"})
    return booster


def source_model(source: str) -> bytes:
    """What stands in place of a model where a source serves."""
    return _SOURCE + source.encode()


_SOURCE = b"source:"


def ranker_scores(candidates: Candidates, model: bytes) -> np.ndarray:
    """Score of every candidate by the model's own features, or by the source that serves, then by popularity."""
    if len(candidates.users) == 0:
        return np.empty(0)
    if model.startswith(_SOURCE):
        first, then = candidates.ranks[model.removeprefix(_SOURCE).decode()], candidates.ranks["popularity"]
        return np.asarray(1.0 / first + 1e-6 / then)
    booster = load_booster(model)
    return np.asarray(booster.inplace_predict(model_features(candidates, booster)), dtype=np.float64)


def model_features(candidates: Candidates, booster: xgb.Booster) -> np.ndarray:
    """pairs × the model's own features, in its order."""
    return columns_of(candidates.features, list(booster.feature_names or []))


def columns_of(features: np.ndarray, names: list[str]) -> np.ndarray:
    """Those columns of rows × FEATURE_NAMES that are named, in this order.

    >>> columns_of(np.arange(len(FEATURE_NAMES))[None, :], list(FEATURE_NAMES[2:4])).tolist()
    [[2, 3]]
    """
    return features if names == list(FEATURE_NAMES) else np.take(features, [*map(FEATURE_NAMES.index, names)], axis=1)


def best_per_user(candidates: Candidates, scores: np.ndarray, count: int, among: np.ndarray | None = None) -> Ranked:
    """The `count` best candidates of every user, ties in item order; of the pairs `among`, ascending, where given."""
    pairs = np.arange(len(scores)) if among is None else among
    users = candidates.users[pairs]
    within, _ = places_of(users)
    # Pairs come user by user and item by item: one row each, and a stable sort is all it takes.
    shape = (int(users.max(initial=-1)) + 1, int(within.max(initial=-1)) + 1)
    table, numbers = np.full(shape, -np.inf), np.full(shape, -1)
    table[users, within], numbers[users, within] = scores[pairs], pairs
    order = np.argsort(-table, axis=1, kind="stable")[:, :count]
    best = np.take_along_axis(numbers, order, axis=1)
    there = best >= 0
    return Ranked(best[there], np.nonzero(there)[1] + 1)
