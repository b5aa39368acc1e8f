"""Histories of one snapshot as numbered events, for item-to-item models that learn from all of them at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

NEIGHBOURS = 200
"""Weights kept per item."""
LEARNT = "as_of date, source string, item_id string, neighbour_ids array<string>, similarities array<float>"
"""What item-to-item models give: rows of gold.item_neighbours."""


@dataclass(frozen=True)
class ItemEvents:
    """The positive events of many users, oldest first per user, items numbered by popularity, most popular first."""

    item_ids: np.ndarray
    users: np.ndarray
    items: np.ndarray
    ages_days: np.ndarray

    @classmethod
    def of(cls, histories: pa.Table) -> ItemEvents:
        """Events of rows of gold.user_histories, in the order of user ids."""
        histories = histories.sort_by("user_id").combine_chunks()
        lists = histories["item_ids"].combine_chunks()
        weights, ages = (
            pc.list_flatten(histories[name].combine_chunks()).to_numpy(zero_copy_only=False)
            for name in ("weights", "ages_days")
        )
        positive = weights > 0
        encoded = pc.list_flatten(lists).filter(pa.array(positive)).dictionary_encode()
        ids, items = np.asarray(encoded.dictionary.to_pylist(), dtype=str), encoded.indices.to_numpy()
        popular_first = np.lexsort((ids, -np.bincount(items, minlength=len(ids))))
        place = np.empty(len(ids), dtype=np.int64)
        place[popular_first] = np.arange(len(ids))
        users = pc.list_parent_indices(lists).to_numpy()[positive]
        return cls(ids[popular_first], users, place[items], ages[positive])

    def matrix(self, where: np.ndarray, items: int) -> sparse.csr_matrix:
        """users × the first `items` items, 1 where one of the chosen events is about the pair."""
        keep = where & (self.items < items)
        shape = (int(self.users.max(initial=-1)) + 1, items)
        taken = sparse.csr_matrix((np.ones(keep.sum()), (self.users[keep], self.items[keep])), shape=shape)
        taken.data[:] = 1.0
        return taken


def unit_rows(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """The rows scaled to unit length; empty ones stay empty."""
    norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sparse.csr_matrix(sparse.diags(1.0 / np.maximum(norms, 1e-12)) @ matrix)


def weight_rows(source: str, weights: np.ndarray | sparse.csr_matrix, item_ids: np.ndarray) -> pa.Table:
    """The largest weights of every item, by absolute value; rounded, so that the order of summation can't show."""
    places, values = [], []
    for item in range(weights.shape[0]):
        row = weights[item] if isinstance(weights, np.ndarray) else weights[[item]].toarray()[0]
        row = np.round(row, 6)
        large = np.flatnonzero(row)
        if len(large) > NEIGHBOURS:
            sizes = -np.abs(row[large])
            least = np.partition(sizes, NEIGHBOURS - 1)[NEIGHBOURS - 1]
            large = large[sizes <= least]
        best = large[np.argsort(-np.abs(row[large]), kind="stable")[:NEIGHBOURS]]
        places.append(best)
        values.append(row[best])
    counts = np.array([len(row) for row in places], dtype=np.int64)
    items = np.flatnonzero(counts)
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts[items])]), pa.int32())
    names = pa.array(item_ids.tolist(), pa.string())
    flat_places, flat_values = (np.concatenate([np.empty(0), *parts]) for parts in (places, values))
    return pa.table(
        {
            "source": pa.repeat(source, len(items)),
            "item_id": names.take(pa.array(items)),
            "neighbour_ids": pa.ListArray.from_arrays(offsets, names.take(pa.array(flat_places.astype(np.int64)))),
            "similarities": pa.ListArray.from_arrays(offsets, pa.array(flat_values.astype(np.float32))),
        }
    )
