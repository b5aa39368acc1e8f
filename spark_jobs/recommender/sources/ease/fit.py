"""EASE: ridge regression of each item on all others, without itself (Steck 2019)."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from spark_jobs.recommender.arrays.item_events import ItemEvents

MOST_ITEMS = 5_000
"""The most popular items, which it knows: its cost grows with the cube."""
RIDGE = 300.0


def item_regression(events: ItemEvents) -> np.ndarray:
    """items × items: weight of each item in the prediction of each other one.

    Source: Steck (2019), Embarrassingly shallow autoencoders for sparse data. With the Gram matrix G = XᵀX + λI and
    P = G⁻¹ the weights are −P_ij / P_jj, and 0 on the diagonal.

    >>> users, items, ages = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.array([60.0, 1.0, 60.0, 1.0])
    >>> events = ItemEvents(np.array(['a', 'b']), users, items, ages)
    >>> item_regression(events).astype(float).round(4).tolist()
    [[0.0, 0.0066], [0.0066, 0.0]]
    """
    items = min(len(events.item_ids), MOST_ITEMS)
    events_of_items = events.matrix(np.ones(len(events.items), dtype=bool), items)
    gram = (events_of_items.T @ events_of_items).toarray()
    gram[np.diag_indices(items)] += RIDGE
    precision = linalg.inv(gram, overwrite_a=True, check_finite=False, assume_a="pos")
    weights = precision / -np.diag(precision)
    np.fill_diagonal(weights, 0.0)
    return np.asarray(weights)
