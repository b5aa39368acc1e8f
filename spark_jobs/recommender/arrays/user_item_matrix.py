"""Histories of one snapshot as a sparse matrix, for what learns from all users at once."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

MOST_EVENTS = 20_000_000
"""Events in histories that one worker holds as a matrix."""


def user_item_matrix(histories: pa.Table) -> tuple[list[str], sparse.csr_matrix]:
    """Item ids, sorted, and users × items with the largest positive weight of each pair."""
    item_ids = histories["item_ids"].combine_chunks()
    users = pc.list_parent_indices(item_ids).to_numpy()
    flat = pc.list_flatten(item_ids)
    weights = pc.list_flatten(histories["weights"].combine_chunks()).to_numpy().astype(np.float64)
    positive = weights > 0
    encoded = flat.filter(pa.array(positive)).dictionary_encode()
    order = np.argsort(np.asarray(encoded.dictionary.to_pylist(), dtype=object), kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    columns = place[encoded.indices.to_numpy()] if len(order) else np.empty(0, np.int64)
    keys = users[positive].astype(np.int64) * max(len(order), 1) + columns
    by_pair = np.argsort(keys)
    keys = keys[by_pair]
    firsts = np.flatnonzero(np.diff(keys, prepend=-1))
    largest = np.maximum.reduceat(weights[positive][by_pair], firsts) if len(firsts) else np.empty(0)
    shape = (histories.num_rows, len(order))
    rows_of, columns_of = np.divmod(keys[firsts], max(len(order), 1))
    names = [encoded.dictionary[int(k)].as_py() for k in order]
    return names, sparse.csr_matrix((largest, (rows_of, columns_of)), shape=shape)
