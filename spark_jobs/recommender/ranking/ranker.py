"""Score candidates with the ranker and cut lists: the numpy side shared by evaluation and scoring."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import numpy as np
import xgboost as xgb

from spark_jobs.recommender.candidates import Candidates
from spark_jobs.recommender.features.vocabulary import FEATURE_NAMES


class FeatureMismatchError(ValueError):
    """A model was trained on other features than this code makes; the message names them."""


@dataclass(frozen=True)
class Ranked:
    """The best pairs of every user: row numbers into the candidates, ordered by user and place."""

    pairs: np.ndarray
    places: np.ndarray
    """Place in the user's list, 1 is best."""


def to_bytes(booster: xgb.Booster) -> bytes:
    """The booster as UBJSON, to be broadcast; raises FeatureMismatchError where the candidates lack its features."""
    if list(booster.feature_names or []) != list(FEATURE_NAMES):
        odd = sorted(set(booster.feature_names or []) ^ set(FEATURE_NAMES))
        raise FeatureMismatchError(
            f"The model was trained on other features than this code makes ({', '.join(odd) or 'in another order'});"
            " train again with --force-training."
        )
    return bytes(booster.save_raw("ubj"))


def feature_importance(booster: xgb.Booster) -> dict[str, float]:
    """Total gain by feature, as a share."""
    gains = cast("dict[str, float]", booster.get_score(importance_type="total_gain"))
    total = sum(gains.values()) or 1.0
    return {name: gain / total for name, gain in gains.items()}


@lru_cache(maxsize=2)
def load_booster(model: bytes) -> xgb.Booster:
    """The booster from its UBJSON bytes, once per worker process."""
    booster = xgb.Booster(model_file=bytearray(model))
    booster.set_param({"nthread": 1, "device": "cpu"})
    return booster


def ranker_scores(found: Candidates, model: bytes) -> np.ndarray:
    """Score of every candidate."""
    if len(found.users) == 0:
        return np.empty(0)
    data = xgb.DMatrix(found.features, feature_names=list(FEATURE_NAMES), nthread=1)
    return np.asarray(load_booster(model).predict(data), dtype=np.float64)


def best_per_user(found: Candidates, scores: np.ndarray, count: int) -> Ranked:
    """The `count` best candidates of every user, ties in item order."""
    order = np.lexsort((found.items, -scores, found.users))
    users = found.users[order]
    places = np.arange(len(order)) - np.searchsorted(users, users) + 1
    keep = places <= count
    return Ranked(order[keep], places[keep])
