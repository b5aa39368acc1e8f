"""Candidates of a batch of users: what the sources propose, and the features that describe it.

The one code path for training and scoring: training examples are these rows at an earlier snapshot.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex
from spark_jobs.recommender.arrays.scores import SharedScores, allowed_items
from spark_jobs.recommender.arrays.top_k import descending, places_of
from spark_jobs.recommender.arrays.user_batch import UserBatch
from spark_jobs.recommender.features.pairs import pair_features
from spark_jobs.recommender.features.vocabulary import FEATURE_NAMES
from spark_jobs.recommender.sources import SOURCES

UNRANKED = 1_000.0
"""Rank of candidates that a source gives no score."""


@dataclass(frozen=True)
class Candidates:
    """Pairs of user row and item position, ordered by both, with everything known about them."""

    users: np.ndarray
    items: np.ndarray
    proposed: dict[str, np.ndarray]
    """bool per pair and source: whether the source proposed it."""
    ranks: dict[str, np.ndarray]
    """Rank inside the user's pool, by source."""
    features: np.ndarray
    """pairs × FEATURE_NAMES, float32."""


def propose(batch: UserBatch, index: RetrievalIndex) -> Candidates:
    """Candidates of every user: eligible, not blocked, proposed by at least one source."""
    allowed = allowed_items(batch, index)
    off = SharedScores(np.zeros(index.items, dtype=np.float32))
    scores = {
        name: source.scores(batch, index) if index.candidates_per_source[name] else off
        for name, source in SOURCES.items()
    }
    best = {name: scores[name].best(allowed, index.candidates_per_source[name]) for name in SOURCES}
    cells = np.unique(np.concatenate(list(best.values())))
    users, items = np.divmod(cells, index.items)
    proposed = {name: np.zeros(len(cells), dtype=bool) for name in SOURCES}
    named: dict[str, np.ndarray] = {}
    for name in SOURCES:
        proposed[name][np.searchsorted(cells, best[name])] = True
        named[f"{name}_score"] = scores[name].of(users, items)
        named[f"{name}_rank"] = rank_in_pool(users, named[f"{name}_score"])
    named["proposed_by"] = np.sum(list(proposed.values()), axis=0)
    named |= pair_features(batch, index, users, items)
    features = np.empty((len(cells), len(FEATURE_NAMES)), dtype=np.float32)
    for column, name in enumerate(FEATURE_NAMES):
        features[:, column] = named[name]
    return Candidates(users, items, proposed, {name: named[f"{name}_rank"] for name in SOURCES}, features)


def rank_in_pool(users: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Rank (1 = best, ties in their order) of each pair among its user's pairs; UNRANKED without a positive score.

    `users` ascend.

    >>> rank_in_pool(np.array([0, 0, 0, 1]), np.array([0.5, 0.9, 0.0, 0.1])).tolist()
    [2.0, 1.0, 1000.0, 1.0]
    """
    ranks, positive = np.full(len(users), UNRANKED), np.flatnonzero(scores > 0)
    within, _ = places_of(users)
    order = descending(users[positive], scores[positive], within[positive], int(within.max(initial=0)) + 1)
    best_first = positive[order]
    ranks[best_first] = places_of(users[best_first])[0] + 1
    return ranks
