"""Candidates of a batch of users: what the sources propose, and the features that describe it.

The one code path for training and scoring: training examples are these rows at an earlier snapshot.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spark_jobs.recommender.features.pairs import pair_features
from spark_jobs.recommender.features.vocabulary import FEATURE_NAMES
from spark_jobs.recommender.snapshots.retrieval_index import RetrievalIndex
from spark_jobs.recommender.snapshots.user_batch import UserBatch
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
    off = np.broadcast_to(np.float32(0.0), batch.shape)
    scores = {name: source.scores(batch, index) if index.depths[name] else off for name, source in SOURCES.items()}
    masks = {name: best_items(scores[name], allowed, index.depths[name]) for name in SOURCES}
    users, items = np.nonzero(np.logical_or.reduce(list(masks.values())))
    pair_scores = {name: scores[name][users, items] for name in SOURCES}
    ranks = {name: rank_in_pool(users, items, pair_scores[name]) for name in SOURCES}
    proposed = {name: masks[name][users, items] for name in SOURCES}
    named: dict[str, np.ndarray] = {"proposed_by": np.sum(list(proposed.values()), axis=0)}
    for name in SOURCES:
        named[f"{name}_score"], named[f"{name}_rank"] = pair_scores[name], ranks[name]
    named |= pair_features(batch, index, users, items)
    features = np.column_stack([named[name] for name in FEATURE_NAMES]).astype(np.float32)
    return Candidates(users, items, proposed, ranks, features)


def allowed_items(batch: UserBatch, index: RetrievalIndex) -> np.ndarray:
    """users × items, True for what may be recommended: eligible, and not hidden by the already-seen policy."""
    return np.asarray(np.broadcast_to(index.eligible, batch.shape) & ~batch.blocked.toarray())


def best_items(scores: np.ndarray, allowed: np.ndarray, count: int) -> np.ndarray:
    """users × items: the `count` best allowed items of every user with a positive score."""
    masked = np.where(allowed & (scores > 0), scores, -np.inf)
    if count == 0:
        return np.zeros_like(allowed)
    if count < masked.shape[1]:
        threshold = -np.partition(-masked, count - 1, axis=1)[:, count - 1 : count]
        best = masked > threshold
        # Ties at the threshold: take them in item order until the user has `count`.
        tied = masked == threshold
        room = count - best.sum(axis=1, keepdims=True)
        best |= tied & (np.cumsum(tied, axis=1) <= room)
    else:
        best = np.ones_like(allowed)
    return np.asarray(best & np.isfinite(masked))


def rank_in_pool(users: np.ndarray, items: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Rank (1 = best, ties in item order) of each pair among its user's pairs; UNRANKED without a positive score."""
    order = np.lexsort((items, -scores, users))
    sorted_users = users[order]
    ranks = np.empty(len(users))
    ranks[order] = np.arange(len(users)) - np.searchsorted(sorted_users, sorted_users) + 1
    return np.where(scores > 0, ranks, UNRANKED)
