"""Transitions: how often an item came within the next few events after another."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from spark_jobs.recommender.arrays.item_events import ItemEvents

FOLLOWERS = 5
"""Later events of the same user that count as following an event."""
SHRINKAGE = 10.0
"""Added to the norms: items that few users took need more evidence."""


def transitions(events: ItemEvents) -> sparse.csr_matrix:
    """items × items: followers by damped cosine, nearer ones counting more.

    >>> users, items, ages = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.array([60.0, 1.0, 60.0, 1.0])
    >>> events = ItemEvents(np.array(['a', 'b']), users, items, ages)
    >>> transitions(events).toarray().round(4).tolist()
    [[0.0, 0.1667], [0.0, 0.0]]
    """
    count = len(events.item_ids)
    followed = sparse.csr_matrix((count, count))
    for lag in range(1, FOLLOWERS + 1):
        same = events.users[lag:] == events.users[:-lag]
        pairs = (events.items[:-lag][same], events.items[lag:][same])
        followed = followed + sparse.csr_matrix((np.full(same.sum(), 1.0 / lag), pairs), shape=(count, count))
    followed.setdiag(0)
    followed = followed.tocoo()
    norms = np.bincount(events.items, minlength=count).astype(float)
    damped = followed.data / (np.sqrt(norms[followed.row] * norms[followed.col]) + SHRINKAGE)
    return sparse.csr_matrix((damped, (followed.row, followed.col)), shape=(count, count))
