"""Implicit ALS: its parameters, and folding users in from their history.

Fold-in solves the same least squares as one ALS half-step (Hu, Koren, Volinsky 2008, with the regularisation
scaled by the number of a user's items as Spark MLlib does), so users need no stored factors and new ones no wait.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

RANK = 24
ITERATIONS = 8
REGULARISATION = 0.05
ALPHA = 10.0


def fold_in(ratings: sparse.csr_matrix, factors: np.ndarray) -> np.ndarray:
    """User factors (users × rank, float32) for `ratings` (users × items, positive) and item `factors` (items × rank).

    Users without ratings get zeros.
    """
    rank = factors.shape[1]
    users = np.zeros((ratings.shape[0], rank), dtype=np.float32)
    gram = (factors.T @ factors).astype(np.float64)
    for user in range(ratings.shape[0]):
        start, stop = ratings.indptr[user], ratings.indptr[user + 1]
        if start == stop:
            continue
        taken = factors[ratings.indices[start:stop]].astype(np.float64)
        confidence = ALPHA * ratings.data[start:stop]
        ridge = REGULARISATION * (stop - start) * np.eye(rank)
        left = gram + taken.T @ (taken * confidence[:, None]) + ridge
        users[user] = np.linalg.solve(left, taken.T @ (1.0 + confidence))
    return users
