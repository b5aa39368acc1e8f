"""What the catalogue says about items, as weighted tokens: categories and attributes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from spark_jobs.recommender.arrays.attributes import entries, texts
from spark_jobs.recommender.arrays.item_events import unit_rows

MOST_TOKENS = 5_000
"""Tokens kept, most frequent first; those of a single item match nothing and are left out."""
NUMERIC_LEVELS = 10
"""A numeric attribute with more distinct values than this (a price, a year) is cut into as many quantiles."""


def content_matrix(categories: pa.ListArray, attributes: pa.MapArray) -> sparse.csr_matrix:
    """items × tokens, inverse document frequencies in rows of unit length (or empty)."""
    rows = [pc.list_parent_indices(categories).to_numpy()]
    tokens = [np.char.add("category=", texts(pc.list_flatten(categories)))]
    owners, names, values = entries(attributes)
    for name in np.unique(names):
        of_name = names == name
        rows.append(owners[of_name])
        tokens.append(np.char.add(f"{name}=", _levels(values[of_name])))
    return _weighted(np.concatenate(rows), np.concatenate(tokens), len(categories))


def _levels(values: np.ndarray) -> np.ndarray:
    """The values, or the quantile each falls into where all are numbers of many sizes."""
    numbers = _as_numbers(values)
    if numbers is None or np.isnan(numbers).any() or len(np.unique(numbers)) <= NUMERIC_LEVELS:
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


NUMBERS = 3
"""Numeric attributes that become features, the first by name; the year in the title comes on top."""


def catalogue_numbers(titles: pa.StringArray, attributes: pa.MapArray) -> np.ndarray:
    """items × (1 + NUMBERS): the year that the title names, and the values of numeric attributes; NaN for none."""
    numbers = np.full((len(titles), 1 + NUMBERS), np.nan)
    years = pc.extract_regex(titles, r"(?:^|\D)(?P<year>(?:19|20)\d\d)(?:\D|$)")
    numbers[:, 0] = pc.cast(pc.struct_field(years, "year"), pa.float64()).to_numpy(zero_copy_only=False)
    owners, names, texts = entries(attributes)
    column = 1
    for name in np.unique(names):
        of_name = names == name
        values = _as_numbers(texts[of_name])
        if column > NUMBERS or values is None or len(np.unique(values)) <= NUMERIC_LEVELS:
            continue
        numbers[owners[of_name], column] = values
        column += 1
    return numbers


def _as_numbers(values: np.ndarray) -> np.ndarray | None:
    """The values where they are numbers, NaN for empty ones; None where they are not."""
    try:
        numbers = np.where(values == "", "nan", values).astype(float)
    except ValueError:
        return None
    return None if np.isinf(numbers).any() else numbers
