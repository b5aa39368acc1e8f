"""Histories of one snapshot as numbered events, for item-to-item models that learn from all of them at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from spark_jobs.recommender.arrays.top_k import best_pairs, candidates_for_top_of_rows

NEIGHBOURS = 200
"""Weights kept per item."""
CELLS_PER_BLOCK, ROWS_PER_BLOCK = 4_000_000, 4_096
"""Cells of items × items, or rows where most of these are empty, that are looked at together."""
NEIGHBOUR_COLUMNS = "as_of date, source string, item_id string, neighbour_ids array<string>, similarities array<float>"
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
        # As objects: an array of numpy's strings is as wide as the longest id.
        ids, items = np.asarray(encoded.dictionary.to_pylist(), dtype=object), encoded.indices.to_numpy()
        counted = pa.table({"events": np.bincount(items, minlength=len(ids)), "id": encoded.dictionary})
        popular_first = pc.sort_indices(counted, [("events", "descending"), ("id", "ascending")]).to_numpy()
        place = np.empty(len(ids), dtype=np.int64)
        place[popular_first] = np.arange(len(ids))
        users = pc.list_parent_indices(lists).to_numpy()[positive]
        return cls(ids[popular_first], users, place[items], ages[positive])

    def matrix(self, where: np.ndarray, items: int) -> sparse.csr_matrix:
        """users × the first `items` items, float32, 1 where one of the chosen events is about the pair."""
        keep = where & (self.items < items)
        shape = (int(self.users.max(initial=-1)) + 1, items)
        events = sparse.csr_matrix(
            (np.ones(keep.sum(), dtype=np.float32), (self.users[keep], self.items[keep])), shape=shape
        )
        events.data[:] = 1.0
        return events


def unit_rows(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """The rows scaled to unit length; empty ones stay empty.

    >>> unit_rows(sparse.csr_matrix([[3.0, 4.0], [0.0, 0.0]])).toarray().tolist()
    [[0.6000000000000001, 0.8], [0.0, 0.0]]
    """
    norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sparse.csr_matrix(sparse.diags(1.0 / np.maximum(norms, 1e-12)) @ matrix)


def weight_rows(source: str, weights: np.ndarray | sparse.csr_matrix, item_ids: np.ndarray) -> pa.Table:
    """The largest weights of every item, by absolute value; rounded, so that the order of summation can't show."""
    step = ROWS_PER_BLOCK if sparse.issparse(weights) else max(1, CELLS_PER_BLOCK // max(weights.shape[1], 1))
    blocks = [_largest(weights[start : start + step], start) for start in range(0, weights.shape[0], step)]
    rows, columns, values = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    items, starts = np.unique(rows, return_index=True)
    offsets = pa.array(np.append(starts, len(rows)), pa.int32())
    names = pa.array(item_ids.tolist(), pa.string())
    return pa.table(
        {
            "source": pa.repeat(source, len(items)),
            "item_id": names.take(pa.array(items)),
            "neighbour_ids": pa.ListArray.from_arrays(offsets, names.take(pa.array(columns))),
            "similarities": pa.ListArray.from_arrays(offsets, pa.array(values.astype(np.float32))),
        }
    )


def _largest(weights: np.ndarray | sparse.csr_matrix, start: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, counted on from `start`, columns and values of the largest weights, row by row, largest first."""
    if sparse.issparse(weights):
        some = sparse.coo_matrix(weights)
        values = np.round(some.data, 6)
        rows, columns, values = (part[values != 0] for part in (some.row, some.col, values))
    else:
        rounded = np.round(weights, 6)
        rows, columns = candidates_for_top_of_rows(np.abs(rounded), NEIGHBOURS)
        values = rounded[rows, columns]
    best = best_pairs(rows, columns, np.abs(values), NEIGHBOURS, weights.shape[1])
    return rows[best] + start, columns[best], values[best]
