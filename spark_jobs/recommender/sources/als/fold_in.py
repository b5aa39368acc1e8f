"""Implicit ALS: its parameters, and folding users in from their history.

Fold-in solves the same least squares as one ALS half-step (Hu, Koren, Volinsky 2008, with the regularisation
scaled by the number of a user's items as Spark MLlib does), so users need no stored factors and new ones no wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

RANK = 24
ITERATIONS = 8
REGULARISATION = 0.05
ALPHA = 10.0


@dataclass(frozen=True)
class ItemFactors:
    """Item factors with what all users share: made once per worker, never sent to it."""

    factors: np.ndarray
    """items × rank, float32; zeros for items without evidence."""

    def __getstate__(self) -> dict[str, np.ndarray]:
        return {"factors": self.factors}

    @property
    def nbytes(self) -> int:
        """Of the factors and their products, less what the index adds for what workers make of its parts."""
        items, rank = self.factors.shape
        return int(4 * items * rank * (1 + (rank + 1) // 4))

    @cached_property
    def gram(self) -> np.ndarray:
        """rank × rank: sum of the outer products of all items' factors."""
        return np.asarray(self.factors.T @ self.factors, dtype=np.float64)

    @cached_property
    def products(self) -> np.ndarray:
        """items × rank (rank + 1) / 2: upper triangle of the outer product of each item's factors."""
        rows, columns = np.triu_indices(self.factors.shape[1])
        return np.ascontiguousarray(self.factors[:, rows] * self.factors[:, columns])


def fold_in(ratings: sparse.csr_matrix, items: ItemFactors) -> np.ndarray:
    """User factors (users × rank, float32) for `ratings` (users × items, positive). Users without any get zeros.

    >>> items = ItemFactors(np.eye(2, dtype=np.float32))
    >>> fold_in(sparse.csr_matrix([[1.0, 0.0], [0.0, 0.0]], dtype=np.float32), items).round(3).tolist()
    [[0.9950000047683716, 0.0], [0.0, 0.0]]
    """
    rank, counts = items.factors.shape[1], np.diff(ratings.indptr)
    some = counts > 0
    confidence = (np.float32(ALPHA) * ratings[some]).astype(np.float32)
    rows, columns = np.triu_indices(rank)
    left = np.empty((confidence.shape[0], rank, rank))
    left[:, rows, columns] = confidence @ items.products
    left[:, columns, rows] = left[:, rows, columns]
    left += items.gram
    left[:, np.arange(rank), np.arange(rank)] += REGULARISATION * counts[some, None]
    ones = sparse.csr_matrix((1.0 + confidence.data, confidence.indices, confidence.indptr), shape=confidence.shape)
    users = np.zeros((ratings.shape[0], rank), dtype=np.float32)
    users[some] = np.linalg.solve(left, (ones @ items.factors)[:, :, None])[:, :, 0]
    return users
