"""Everything of catalogue size that a worker needs to propose and describe candidates at one snapshot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse
from scipy.stats import rankdata

T = TypeVar("T")
CATEGORY_LEADERS = 500
"""Items per category that can be among the most popular for somebody."""


@dataclass(frozen=True)
class RetrievalIndex:
    """Arrays aligned on the snapshot's items, sorted by id. Built on the driver, shared once per snapshot."""

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
    category_names: tuple[str, ...]
    """Of the columns of `categories`."""
    content: sparse.csr_matrix
    """items × tokens of categories and attributes, rows of unit length (or empty)."""
    numbers: np.ndarray
    """items × numbers of the catalogue: the year in the title and numeric attributes; NaN where there is none."""
    newness: np.ndarray
    """1 on the day an item is listed, falling to 0 when it is new no more."""
    usual_position: np.ndarray
    """Mean log of an item's place in histories; NaN without events."""
    repeat_share: np.ndarray
    """Share of an item's events by users who had it more than a day before; NaN without events."""
    candidates_per_source: dict[str, int]
    """Items that each source proposes per user; 0 for a source that is off."""
    fitted: dict[str, Any]
    """What each source learnt, by source; see the source's folder."""

    # What depends on no user is made once per worker, and never sent to it.

    @cached_property
    def category_popularity(self) -> sparse.csr_matrix:
        """items × categories: recent popularity within categories."""
        return sparse.csr_matrix(sparse.diags(self.popularity["popularity_30d"]) @ self.categories, dtype=np.float32)

    @cached_property
    def category_leaders(self) -> np.ndarray:
        """Positions of the CATEGORY_LEADERS most popular items of each category, ascending."""
        by_category = self.category_popularity.tocsc()
        categories = np.repeat(np.arange(by_category.shape[1]), np.diff(by_category.indptr))
        order = np.lexsort((by_category.indices, -by_category.data, categories))
        places = np.arange(len(order)) - by_category.indptr[categories]
        return np.unique(by_category.indices[order[places < CATEGORY_LEADERS]]).astype(np.int64)

    @cached_property
    def new_content(self) -> sparse.csr_matrix:
        """tokens × items: `content` of new items, the others empty."""
        return sparse.csr_matrix((sparse.diags((self.newness > 0).astype(np.float32)) @ self.content).T)

    @cached_property
    def neighbours_of(self) -> sparse.csr_matrix:
        """items × items: of each item the items that it is a kept neighbour of, with the similarity."""
        return sparse.csr_matrix(self.fitted["item_to_item"].T)

    @cached_property
    def has_number(self) -> np.ndarray:
        """items × numbers, 1.0 where the catalogue has the number."""
        return np.asarray(~np.isnan(self.numbers), dtype=float)

    @cached_property
    def known_numbers(self) -> np.ndarray:
        """`numbers`, 0 where there is none."""
        return np.where(np.isnan(self.numbers), 0.0, self.numbers)

    @cached_property
    def popularity_place(self) -> np.ndarray:
        """Place of each item by popularity, ties in item order, from 0 to 1 for the most popular."""
        order = np.argsort(self.popularity["popularity_all"], kind="stable")
        places = np.empty(len(order))
        places[order] = np.arange(len(order)) / max(len(order) - 1, 1)
        return places

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def self_information(self) -> np.ndarray:
        """−log₂ of an item's share of all positive events; without any it counts as half of the rarest item."""
        shares = self.popularity["popularity_all"]
        rarest = np.min(shares, initial=1.0, where=shares > 0)
        return np.asarray(-np.log2(np.where(shares > 0, shares, rarest / 2)))

    @cached_property
    def popularity_percentile(self) -> np.ndarray:
        """Share of the other items that are less popular than an item, ties halved."""
        shares = self.popularity["popularity_all"]
        return np.asarray((rankdata(shares) - 1) / max(len(shares) - 1, 1))

    @property
    def shared_bytes(self) -> int:
        """Memory of the index itself."""
        return sum(_bytes_of(getattr(self, field.name)) for field in fields(self))

    @property
    def worker_bytes(self) -> int:
        """About the memory of what a worker makes of the index for itself."""
        return sum(_bytes_of(part) for part in (self.fitted["item_to_item"], self.categories, self.content))

    @property
    def items(self) -> int:
        """Number of items."""
        return len(self.item_ids)

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` gives for this index, made once per process and name."""
        if name not in self._made:
            self._made[name] = make()
        value: T = self._made[name]
        return value

    @cached_property
    def _made(self) -> dict[str, Any]:
        return {}

    @cached_property
    def _places(self) -> pd.Index[Any]:
        # Keeps its hash table, while Arrow's index_in makes one of all items in every call.
        places: pd.Index[Any] = pd.Index(self.item_ids.to_numpy(zero_copy_only=False), dtype=object)
        return places

    def positions(self, ids: pa.Array) -> np.ndarray:
        """Position of every id, -1 for items the snapshot does not know."""
        return np.asarray(self._places.get_indexer(ids.to_numpy(zero_copy_only=False)), dtype=np.int64)


def _bytes_of(part: Any) -> int:
    if isinstance(part, dict):
        return sum(map(_bytes_of, part.values()))
    if sparse.issparse(part):
        return int(part.data.nbytes + part.indices.nbytes + part.indptr.nbytes)
    return int(getattr(part, "nbytes", 0))


def positions(ids: pa.Array | pa.ChunkedArray, item_ids: pa.StringArray) -> np.ndarray:
    """Position of every id in `item_ids`, -1 where it is not there."""
    flat = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
    places = pc.fill_null(pc.index_in(flat.cast(pa.string()), item_ids), -1)
    return np.asarray(places.to_numpy(zero_copy_only=False), dtype=np.int64)
