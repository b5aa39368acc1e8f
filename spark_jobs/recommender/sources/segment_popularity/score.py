"""What is popular with everybody, and more so with those who share the user's attributes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex, positions
from spark_jobs.recommender.arrays.scores import FactoredScores, Scores, SharedScores
from spark_jobs.recommender.arrays.user_batch import UserBatch
from spark_jobs.recommender.sources.segment_popularity.segments import Segments

DEPARTURES = 2.0
"""Several attributes say the same in part, so that their departures are not added up but averaged, times this."""


@dataclass(frozen=True)
class SegmentPopularity:
    """The segments of a snapshot, and how the shares of its items depart in each."""

    segments: Segments
    departures: sparse.csr_matrix
    """items × segments, float32."""

    @property
    def nbytes(self) -> int:
        """Of all arrays."""
        parts = (self.departures.data, self.departures.indices, self.departures.indptr, self.segments.table)
        return sum(part.nbytes for part in parts)

    @cached_property
    def listed(self) -> np.ndarray:
        """Positions of the items that depart in any segment, ascending."""
        return np.flatnonzero(np.diff(self.departures.indptr))


def fitted_segments(
    rows: pa.RecordBatchReader, item_ids: pa.StringArray, sources: Collection[str]
) -> dict[str, SegmentPopularity]:
    """See FittedModel: the one source of gold.segment_popularity."""
    table = rows.read_all().sort_by([("attribute", "ascending"), ("value", "ascending")]).combine_chunks()
    lists = pc.list_parent_indices(table["item_ids"]).to_numpy()
    items = positions(pc.list_flatten(table["item_ids"]), item_ids)
    values = pc.list_flatten(table["departures"]).to_numpy().astype(np.float32)
    known = items >= 0
    cells = (values[known], (items[known], lists[known]))
    departures = sparse.csr_matrix(cells, shape=(len(item_ids), table.num_rows))
    segments = Segments(table.select(["attribute", "value", "lowest"]))
    return dict.fromkeys(sources, SegmentPopularity(segments, departures))


def scores(batch: UserBatch, index: RetrievalIndex) -> Scores:
    """Expected share of an item among what people like the user take; 0 for users of no segment."""
    fitted: SegmentPopularity = index.fitted["segment_popularity"]
    if not fitted.departures.nnz:
        return SharedScores(np.zeros(index.items, dtype=np.float32))
    members = fitted.segments.members(batch.attributes)
    count = np.asarray(members.sum(axis=1)).ravel()
    weights = np.empty((batch.shape[0], 1 + members.shape[1]), dtype=np.float32)
    weights[:, 0] = count > 0
    weights[:, 1:] = members.toarray() * (np.minimum(count, DEPARTURES) / np.maximum(count, 1.0))[:, None]
    shares = index.popularity["popularity_all"].astype(np.float32)
    items = index.once(
        "segment_popularity", lambda: sparse.csr_matrix(sparse.hstack([shares[:, None], fitted.departures]))
    )
    return FactoredScores(weights, items, fitted.listed)
