"""Exposure balance: what has been shown often gives way a little, so that lists reach more of the catalogue.

The first places of a list stay the ranker's: what is lost farther down costs little. Going through users one after the
other and taking `strength · log(1 + times shown)` off every other item would do it, in one process. Instead each user
has a place in the queue, a hash between 0 and 1, and an item counts as shown `place · times` when that user's turn
comes. The times are found on a sample of users, one after the other, and so is the strength: the smallest with which
lists reach the share of the catalogue that the domain wants. All users' lists reach more than a sample's: how much
more is estimated from the items that the sample shows once and twice.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from spark_jobs.recommender.candidates import Candidates
from spark_jobs.recommender.ranking.ranker import best_per_user

TOP = 10
"""Places that count as shown."""
STRENGTHS = (0.0, 0.1, 0.2, 0.4, 0.9)
HALVINGS = 3
"""Times that the step between the strength that reaches what is wanted, and the one that does not, is halved."""
POOL = 150
"""Candidates of a sampled user that may move up."""


@dataclass(frozen=True)
class Exposure:
    """How strongly exposure is balanced, and how often each item will have been shown in the end."""

    strength: float
    kept: int
    """First places of a user's list that stay as they are."""
    times: np.ndarray
    """float32 per item."""
    coverage: float
    """Share of `offered` that the first places of all users' lists reach, estimated."""
    offered: int = 0
    """Items that the first places could show: the eligible ones, at most as many as there are such places."""
    sampled: int = 0
    """Users that it was found on."""

    def penalty(self, places: np.ndarray, items: np.ndarray) -> np.ndarray:
        """What is taken off the standardised scores of items, for users at places in the queue."""
        return np.asarray(self.strength * np.log1p(places * self.times[items]))


def queue_places(user_ids: list[str]) -> np.ndarray:
    """Place of each user in the queue, between 0 and 1, the same on every night.

    >>> queue_places(['u1', 'u2']).round(3).tolist()
    [0.259, 0.857]
    """
    return np.array([zlib.crc32(user.encode()) for user in user_ids]) / 2**32


def items_reached(shown: np.ndarray, sampled: int, users: int) -> float:
    """Items that `users` lists show, at least, by how many of the sampled lists show each item.

    Extrapolates incidences with the Chao2 estimate of what no sampled list shows (Chao et al. 2014, Rarefaction and
    extrapolation with Hill numbers, Ecological Monographs 84): close up to three times the sample, too low beyond.

    >>> items_reached(np.array([3, 1, 1, 0, 0]), sampled=5, users=5)
    3.0
    >>> round(items_reached(np.array([3, 1, 1, 0, 0]), sampled=5, users=10), 2)
    3.69
    """
    once, twice = int((shown == 1).sum()), int((shown == 2).sum())
    if not once:
        return float((shown > 0).sum())
    unseen = (sampled - 1) / sampled * (once**2 / (2 * twice) if twice else once * (once - 1) / 2)
    share_reached = 1 - (1 - once / (sampled * unseen + once)) ** max(users - sampled, 0)
    return float((shown > 0).sum() + unseen * share_reached)


def standardised(users: np.ndarray, scores: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores less their user's mean, over their user's deviation; and that deviation, for each pair.

    >>> z, deviations = standardised(np.array([0, 0, 1]), np.array([1.0, 3.0, 5.0]), 2)
    >>> z.tolist(), deviations.tolist()
    ([-1.0, 1.0, 0.0], [1.0, 1.0, 1e-09])
    """
    sizes = np.maximum(np.bincount(users, minlength=count), 1)
    means = np.bincount(users, weights=scores, minlength=count) / sizes
    squares = np.bincount(users, weights=(scores - means[users]) ** 2, minlength=count) / sizes
    deviations = np.maximum(np.sqrt(squares), 1e-9)[users]
    return (scores - means[users]) / deviations, deviations


def diversified_scores(
    user_ids: list[str], candidates: Candidates, scores: np.ndarray, exposure: Exposure
) -> np.ndarray:
    """Scores that put the candidates which the balance chose on the first TOP places; below, the order is as it was.

    A candidate that moves gets a score between those that the ranker gave the last kept place and the one after it.
    """
    if not exposure.strength:
        return scores
    _, deviations = standardised(candidates.users, scores, len(user_ids))
    given_way = scores - deviations * exposure.penalty(queue_places(user_ids)[candidates.users], candidates.items)
    heads = best_per_user(candidates, scores, exposure.kept + 1)
    given_way[heads.pairs[heads.places <= exposure.kept]] = np.inf
    chosen = best_per_user(candidates, given_way, TOP)
    moved = chosen.places > exposure.kept
    pairs, steps = chosen.pairs[moved], (TOP + 1 - chosen.places[moved]) / (TOP + 1 - exposure.kept)
    low, high = np.full((2, len(user_ids)), np.inf)
    for bound, place in ((high, exposure.kept), (low, exposure.kept + 1)):
        there = heads.pairs[heads.places == place]
        bound[candidates.users[there]] = scores[there]
    owners, lifted = candidates.users[pairs], scores.copy()
    lifted[pairs] = low[owners] + np.minimum(high[owners] - low[owners], deviations[pairs]) * steps
    return lifted


def weakest_exposure(pools: pa.Table, users: int, eligible: np.ndarray, wanted: float, kept: int = 0) -> Exposure:
    """The weakest balance with which lists reach the `wanted` share of the items they could show, or the strongest.

    `users` is the number of all users, for whom the sample stands; pools are ordered, best first, and their `kept`
    first places stay.
    """
    order = np.argsort(queue_places(pools["user_id"].to_pylist()), kind="stable")
    items = [np.asarray(row, dtype=np.int64) for row in pools["items"].to_pylist()]
    scores = [np.asarray(row) for row in pools["scores"].to_pylist()]
    weight, offered = users / max(len(items), 1), max(min(int(eligible.sum()), users * TOP), 1)

    def tried(strength: float) -> Exposure:
        shown = np.zeros(len(eligible), dtype=np.int64)
        for user in order:
            given_way = scores[user] - strength * np.log1p(weight * shown[items[user]])
            given_way[:kept] = scores[user][:kept]
            shown[items[user][np.argsort(-given_way, kind="stable")[:TOP]]] += 1
        reached = min(items_reached(shown, len(items), users), offered)
        return Exposure(strength, kept, (weight * shown).astype(np.float32), reached / offered, offered, len(items))

    exposure, weaker = tried(STRENGTHS[0]), 0.0
    for strength in STRENGTHS[1:]:
        if exposure.coverage >= wanted:
            break
        weaker, exposure = exposure.strength, tried(strength)
    for _ in range(HALVINGS):
        if exposure.strength == 0.0:
            break
        between = tried((weaker + exposure.strength) / 2)
        weaker, exposure = (weaker, between) if between.coverage >= wanted else (between.strength, exposure)
    return exposure
