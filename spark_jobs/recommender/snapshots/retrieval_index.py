"""Everything of catalogue size that a worker needs to propose and describe candidates at one snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy import sparse


@dataclass(frozen=True)
class RetrievalIndex:
    """Arrays aligned on the snapshot's items, sorted by id. Built on the driver, broadcast once per snapshot."""

    item_ids: pa.StringArray
    titles: pa.StringArray
    eligible: np.ndarray
    """bool per item: may be recommended at the snapshot."""
    popularity: dict[str, np.ndarray]
    """Popularity shares by name (`popularity_30d`, ...), float64 per item."""
    age_days: np.ndarray
    mean_weight: np.ndarray
    categories: sparse.csr_matrix
    """items × categories, rows sum to 1 (or 0 without categories)."""
    neighbours: sparse.csr_matrix
    """items × items, similarity of each item's kept neighbours."""
    factors: np.ndarray
    """items × rank, float32; zeros for items without evidence."""

    @property
    def items(self) -> int:
        """Number of items."""
        return len(self.item_ids)

    def positions(self, ids: pa.Array) -> np.ndarray:
        """Position of every id, -1 for items the snapshot does not know."""
        return positions(ids, self.item_ids)


def positions(ids: pa.Array | pa.ChunkedArray, item_ids: pa.StringArray) -> np.ndarray:
    """Position of every id in `item_ids`, -1 where it is not there."""
    flat = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
    found = pc.fill_null(pc.index_in(flat.cast(pa.string()), item_ids), -1)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)


def index_as_of(day: date, features: DataFrame, neighbours: DataFrame, factors: DataFrame) -> RetrievalIndex:
    """The index of one snapshot from the tables of the same names; catalogue-sized, so it may reach the driver."""
    of_day = F.col("as_of") == F.lit(day)
    return build_index(*[frame.where(of_day).drop("as_of").toArrow() for frame in (features, neighbours, factors)])


def build_index(features: pa.Table, neighbours: pa.Table, factors: pa.Table) -> RetrievalIndex:
    """The index from one snapshot's rows of item_features, item_neighbours and item_factors."""
    features = features.sort_by("item_id")
    item_ids = features["item_id"].combine_chunks().cast(pa.string())
    names = [name for name in features.column_names if "popularity" in name]
    return RetrievalIndex(
        item_ids=item_ids,
        titles=features["title"].combine_chunks().cast(pa.string()),
        eligible=features["eligible"].to_numpy(),
        popularity={name: features[name].to_numpy() for name in names},
        age_days=features["age_days"].to_numpy(),
        mean_weight=features["mean_weight"].to_numpy(),
        categories=_categories(features["categories"].combine_chunks()),
        neighbours=_neighbours(neighbours, item_ids),
        factors=_factors(factors, item_ids),
    )


def _categories(lists: pa.ListArray) -> sparse.csr_matrix:
    encoded = pc.list_flatten(lists).dictionary_encode()
    rows = pc.list_parent_indices(lists).to_numpy()
    lengths = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
    shape = (len(lists), max(len(encoded.dictionary), 1))
    return sparse.csr_matrix((1.0 / lengths[rows], (rows, encoded.indices.to_numpy())), shape=shape)


def _neighbours(table: pa.Table, item_ids: pa.StringArray) -> sparse.csr_matrix:
    lists = table["neighbour_ids"].combine_chunks()
    rows = positions(table["item_id"], item_ids)[pc.list_parent_indices(lists).to_numpy()]
    columns = positions(pc.list_flatten(lists), item_ids)
    values = pc.list_flatten(table["similarities"].combine_chunks()).to_numpy()
    known = (rows >= 0) & (columns >= 0)
    shape = (len(item_ids), len(item_ids))
    return sparse.csr_matrix((values[known], (rows[known], columns[known])), shape=shape, dtype=np.float32)


def _factors(table: pa.Table, item_ids: pa.StringArray) -> np.ndarray:
    rows = positions(table["item_id"], item_ids)
    values = pc.list_flatten(table["factors"].combine_chunks()).to_numpy().astype(np.float32)
    rank = max(len(values) // max(len(rows), 1), 1)
    factors = np.zeros((len(item_ids), rank), dtype=np.float32)
    factors[rows[rows >= 0]] = values.reshape(len(rows), rank)[rows >= 0]
    return factors
