"""What the catalogue says about items, as weighted tokens: categories and attributes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from spark_jobs.recommender.snapshots.item_events import unit_rows

MOST_TOKENS = 5_000
"""Tokens kept, most frequent first; those of a single item match nothing and are left out."""
NUMERIC_LEVELS = 10
"""A numeric attribute with more distinct values than this (a price, a year) is cut into as many quantiles."""


def content_matrix(categories: pa.ListArray, attributes: pa.MapArray) -> sparse.csr_matrix:
    """items × tokens, inverse document frequencies in rows of unit length (or empty)."""
    rows = [pc.list_parent_indices(categories).to_numpy()]
    tokens = [np.char.add("category=", _text(pc.list_flatten(categories)))]
    entries = pc.list_flatten(attributes.cast(pa.list_(attributes.type.field(0).type)))
    lengths = np.diff(attributes.offsets.to_numpy())
    owners, names = np.repeat(np.arange(len(attributes)), lengths), _text(entries.field(0))
    for name in np.unique(names):
        of_name = names == name
        rows.append(owners[of_name])
        tokens.append(np.char.add(f"{name}=", _levels(_text(entries.field(1))[of_name])))
    return _weighted(np.concatenate(rows), np.concatenate(tokens), len(categories))


def _text(values: pa.Array) -> np.ndarray:
    return np.asarray(pc.fill_null(values, "").to_pylist(), dtype=str)


def _levels(values: np.ndarray) -> np.ndarray:
    """The values, or the quantile each falls into where all are numbers of many sizes."""
    try:
        numbers = values.astype(float)
    except ValueError:
        return values
    if len(np.unique(numbers)) <= NUMERIC_LEVELS or not np.isfinite(numbers).all():
        return values
    bounds = np.quantile(numbers, np.linspace(0, 1, NUMERIC_LEVELS + 1)[1:-1])
    return np.searchsorted(bounds, numbers, side="right").astype(str)


def _weighted(rows: np.ndarray, tokens: np.ndarray, items: int) -> sparse.csr_matrix:
    names, columns = np.unique(tokens, return_inverse=True)
    matrix = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(items, max(len(names), 1)))
    matrix.data[:] = 1.0
    frequency = np.asarray(matrix.sum(axis=0)).ravel()
    frequent = np.argsort(-frequency, kind="stable")[:MOST_TOKENS]
    kept = np.sort(frequent[frequency[frequent] > 1])
    weights = sparse.diags(np.log1p(items / np.maximum(frequency[kept], 1.0)))
    return unit_rows(sparse.csr_matrix(matrix[:, kept] @ weights))
