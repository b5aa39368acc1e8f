"""Everything of catalogue size that a worker needs to propose and describe candidates at one snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse
from scipy.stats import rankdata


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
    depths: dict[str, int]
    """Items that each source proposes per user; 0 for a source that is off."""
    learnt: dict[str, Any]
    """What each source learnt, by source; see the source's folder."""

    @cached_property
    def category_popularity(self) -> sparse.csr_matrix:
        """categories × items: recent popularity within categories; made once per worker."""
        return sparse.csr_matrix(self.categories.T.multiply(self.popularity["popularity_30d"]))

    @cached_property
    def new_content(self) -> sparse.csr_matrix:
        """items × tokens: `content` of new items, the others empty; made once per worker."""
        return sparse.csr_matrix(sparse.diags((self.newness > 0).astype(float)) @ self.content)

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
