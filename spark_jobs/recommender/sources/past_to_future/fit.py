"""Past to future: ridge regression of what users took after a date on what they had taken before it."""

from __future__ import annotations

import numpy as np
from scipy import linalg, sparse

from spark_jobs.recommender.arrays.item_events import ItemEvents, unit_rows

MOST_ITEMS = 5_000
"""The most popular items, which it knows: its cost grows with the cube."""
RIDGE = 30.0
"""Inputs have unit length."""
DAYS = (28.0, 56.0, 84.0)
"""Days before the snapshot at which histories are cut into past and future."""


def future_regression(events: ItemEvents) -> np.ndarray:
    """items × items: weight of each item of the past in the prediction of each of the future; cutoffs stacked.

    Solved over users or over items, whichever are fewer: W = Xᵀ(XXᵀ + λI)⁻¹Y = (XᵀX + λI)⁻¹XᵀY.

    >>> users, items, ages = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.array([60.0, 1.0, 60.0, 1.0])
    >>> events = ItemEvents(np.array(['a', 'b']), users, items, ages)
    >>> future_regression(events).astype(float).round(4).tolist()
    [[0.0, 0.1176], [0.0, 0.0]]
    """
    items = min(len(events.item_ids), MOST_ITEMS)
    pasts, futures = [], []
    for days in DAYS:
        past, future = (events.matrix(where, items) for where in (events.ages_days > days, events.ages_days <= days))
        both = (past.getnnz(axis=1) > 0) & (future.getnnz(axis=1) > 0)
        pasts.append(unit_rows(past[both]))
        futures.append(future[both])
    x, y = (sparse.vstack(parts).tocsr().astype(np.float32) for parts in (pasts, futures))
    rows = x.shape[0]
    if rows < items:
        gram = (x @ x.T).toarray()
        gram[np.diag_indices(rows)] += RIDGE
        return np.asarray(x.T @ linalg.solve(gram, y.toarray(), assume_a="pos", overwrite_a=True, check_finite=False))
    gram = (x.T @ x).toarray()
    gram[np.diag_indices(items)] += RIDGE
    crossed = (x.T @ y).toarray()
    return np.asarray(linalg.solve(gram, crossed, assume_a="pos", overwrite_a=True, check_finite=False))
