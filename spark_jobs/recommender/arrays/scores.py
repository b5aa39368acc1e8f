"""Scores of a batch's users for all items, each in the form that is cheapest: the same for all, sparse, or dense.

A cell is a pair of user and item as one number: `user row · items + item position`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from scipy import sparse

from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex
from spark_jobs.recommender.arrays.top_k import best_pairs, candidates_for_top_of_rows
from spark_jobs.recommender.arrays.user_batch import UserBatch


def allowed_items(batch: UserBatch, index: RetrievalIndex) -> np.ndarray:
    """users × items, True for what may be recommended: eligible, and not hidden by the already-seen policy."""
    allowed = np.repeat(index.eligible[None, :], batch.shape[0], axis=0)
    allowed[batch.blocked.nonzero()] = False
    return allowed


class Scores(Protocol):
    """Scores of every user of a batch for every item: larger is better, nothing above 0 is no proposal."""

    def best(self, allowed: np.ndarray, count: int) -> np.ndarray:
        """Cells of the `count` best allowed items with a positive score.

        User by user, best first, ties in item order.
        """

    def of(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """float32: scores of pairs of user row and item position."""


@dataclass(frozen=True)
class SharedScores:
    """The same scores for all users."""

    values: np.ndarray
    """float32 per item."""

    @cached_property
    def best_first(self) -> np.ndarray:
        """Positions of the items with a positive score, ties in item order."""
        positive = np.flatnonzero(self.values > 0)
        return np.asarray(positive[np.argsort(-self.values[positive], kind="stable")])

    def best(self, allowed: np.ndarray, count: int) -> np.ndarray:
        """See Scores."""
        kept = self._kept_in_order(allowed, count)
        users, places = np.nonzero(kept & (np.cumsum(kept, axis=1, dtype=np.int32) <= count))
        return np.asarray(users * allowed.shape[1] + self.best_first[places])

    def _kept_in_order(self, allowed: np.ndarray, count: int) -> np.ndarray:
        """users × the first places of `best_first`: whether the item there is allowed.

        As far down as the user with the fewest allowed items has to go: doubling search, from twice the count, which is
        enough for most.
        """
        reach = 2 * count
        while True:
            kept = allowed[:, self.best_first[:reach]]
            enough = len(kept) == 0 or kept.sum(axis=1).min() >= count
            if enough or reach >= len(self.best_first):
                return np.asarray(kept)
            reach *= 2

    def of(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:  # noqa: ARG002
        """See Scores."""
        return np.asarray(self.values[items])


def popularity_scores(index: RetrievalIndex, name: str) -> SharedScores:
    """The popularity of that name, the same for every user."""
    return index.once(name, lambda: SharedScores(index.popularity[name].astype(np.float32)))


@dataclass(frozen=True)
class SparseScores:
    """Scores that are 0 for most pairs."""

    matrix: sparse.csr_matrix
    """users × items, float32, no pair twice."""

    def best(self, allowed: np.ndarray, count: int) -> np.ndarray:
        """See Scores."""
        items, values = self.matrix.indices, self.matrix.data
        users = np.repeat(np.arange(self.matrix.shape[0]), np.diff(self.matrix.indptr))
        kept = np.flatnonzero((values > 0) & allowed[users, items])
        return _best_cells(users[kept], items[kept], values[kept], count, allowed.shape[1])

    def of(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """See Scores."""
        return np.asarray(self.matrix.toarray()[users, items], dtype=np.float32)


@dataclass(frozen=True)
class DenseScores:
    """Scores for all pairs, spelled out."""

    matrix: np.ndarray
    """users × items, float32."""

    def best(self, allowed: np.ndarray, count: int) -> np.ndarray:
        """See Scores."""
        width, may = allowed.shape[1], self.matrix * allowed
        users, items = candidates_for_top_of_rows(may, count)
        return _best_cells(users, items, may[users, items], count, width)

    def of(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """See Scores."""
        return np.asarray(self.matrix[users, items])


@dataclass(frozen=True)
class FactoredScores:
    """Products of a few weights per user with those of items, such as of categories; the best are on a short list."""

    users: np.ndarray
    """users × weights, float32."""
    items: sparse.csr_matrix
    """items × weights, float32."""
    listed: np.ndarray
    """Positions of the items that may be among the best, ascending."""

    def best(self, allowed: np.ndarray, count: int) -> np.ndarray:
        """See Scores."""
        short = DenseScores(np.ascontiguousarray((self.items[self.listed] @ self.users.T).T))
        users, places = np.divmod(short.best(allowed[:, self.listed], count), len(self.listed))
        return np.asarray(users * allowed.shape[1] + self.listed[places])

    def of(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """See Scores."""
        return rowwise_dot(self.users, users, self.items, items).astype(np.float32)


def _best_cells(users: np.ndarray, items: np.ndarray, values: np.ndarray, count: int, width: int) -> np.ndarray:
    best = best_pairs(users, items, values, count, width)
    return np.asarray(users[best] * width + items[best])


def rowwise_dot(dense: np.ndarray, users: np.ndarray, matrix: sparse.csr_matrix, items: np.ndarray) -> np.ndarray:
    """dense[u] · matrix[i] for each pair, touching only what an item has.

    >>> dense, matrix = np.array([[1.0, 2.0]]), sparse.csr_matrix([[0.0, 3.0], [1.0, 1.0]])
    >>> rowwise_dot(dense, np.array([0, 0]), matrix, np.array([0, 1])).tolist()
    [6.0, 3.0]
    """
    rows = matrix[items]
    pairs = np.repeat(np.arange(len(items)), np.diff(rows.indptr))
    products = rows.data * dense[users[pairs], rows.indices]
    return np.bincount(pairs, weights=products, minlength=len(items))
