"""A batch of users as arrays aligned with a retrieval index."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from spark_jobs.recommender.arrays.item_events import unit_rows
from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex

HALF_LIFE_DAYS = 30.0
"""Half-life of the evidence in a user's history, counted back from the user's own latest event."""
LATEST_ITEMS = 5
"""Latest events from which the next item is guessed."""


@dataclass(frozen=True)
class UserBatch:
    """Users of one batch; events are flat arrays, oldest first per user, items the index knows only."""

    user_ids: list[str]
    users: np.ndarray
    """Row of the user of each event."""
    items: np.ndarray
    """Position of the item of each event."""
    weights: np.ndarray
    ages_days: np.ndarray
    events_total: np.ndarray
    tenure_days: np.ndarray
    attributes: pa.MapArray
    """What is known of each user beside events."""
    blocked: sparse.csr_matrix
    """users × items, 1 where the already-seen policy hides the item."""
    shape: tuple[int, int]
    """(users, items)."""

    def matrix(self, values: np.ndarray, where: np.ndarray | None = None) -> sparse.csr_matrix:
        """users × items with `values` of the events (of those that `where` keeps), added up per pair."""
        keep = slice(None) if where is None else where
        return sparse.csr_matrix((values[keep], (self.users[keep], self.items[keep])), shape=self.shape)

    @cached_property
    def decay(self) -> np.ndarray:
        """Decay of each event since its user's latest event."""
        latest = np.full(self.shape[0], np.inf)
        np.minimum.at(latest, self.users, self.ages_days)
        return np.asarray(0.5 ** ((self.ages_days - latest[self.users]) / HALF_LIFE_DAYS))

    @cached_property
    def taken(self) -> sparse.csr_matrix:
        """users × items, float32: decayed positive evidence."""
        return self.matrix((self.weights * self.decay).astype(np.float32), self.weights > 0)

    @cached_property
    def unit_taken(self) -> sparse.csr_matrix:
        """users × items, float32: 1 over the user's norm for items with positive events: rows of unit length."""
        ones = self.matrix(np.ones(len(self.items), dtype=np.float32), self.weights > 0)
        ones.data[:] = 1.0
        return unit_rows(ones)

    @cached_property
    def latest_items(self) -> sparse.csr_matrix:
        """users × items, float32: 1, 1/2, 1/3, ... for the latest positive events, the latest first."""
        positive = np.flatnonzero(self.weights > 0)
        users = self.users[positive]
        back = np.searchsorted(users, users, side="right") - np.arange(len(users))
        late = back <= LATEST_ITEMS
        places = (users[late], self.items[positive[late]])
        return sparse.csr_matrix(((1.0 / back[late]).astype(np.float32), places), shape=self.shape)


def user_batch(histories: pa.Table | pa.RecordBatch, index: RetrievalIndex) -> UserBatch:
    """Rows of gold.user_histories, with `attributes`, as arrays."""
    item_ids = _flat(histories["item_ids"])
    users = pc.list_parent_indices(_whole(histories["item_ids"])).to_numpy()
    items = index.positions(item_ids)
    known = items >= 0
    shape = (histories.num_rows, index.items)
    blocked = index.positions(_flat(histories["blocked_item_ids"]))
    blocked_users = pc.list_parent_indices(_whole(histories["blocked_item_ids"])).to_numpy()
    of_known = blocked >= 0
    return UserBatch(
        user_ids=_whole(histories["user_id"]).to_pylist(),
        users=users[known],
        items=items[known],
        weights=_flat(histories["weights"]).to_numpy(zero_copy_only=False).astype(np.float64)[known],
        ages_days=_flat(histories["ages_days"]).to_numpy(zero_copy_only=False).astype(np.float64)[known],
        events_total=_whole(histories["events_total"]).to_numpy(zero_copy_only=False).astype(np.float64),
        tenure_days=_whole(histories["tenure_days"]).to_numpy(zero_copy_only=False).astype(np.float64),
        attributes=_whole(histories["attributes"]),
        blocked=sparse.csr_matrix(
            (np.ones(of_known.sum(), dtype=bool), (blocked_users[of_known], blocked[of_known])), shape=shape
        ),
        shape=shape,
    )


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return pc.list_flatten(_whole(column))
