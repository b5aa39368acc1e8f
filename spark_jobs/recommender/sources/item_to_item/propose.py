"""Items similar to those the user took, recent ones first."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from spark_jobs.recommender.snapshots.packed import descending
from spark_jobs.recommender.snapshots.retrieval_index import RetrievalIndex, positions
from spark_jobs.recommender.snapshots.scores import SparseScores
from spark_jobs.recommender.snapshots.user_batch import UserBatch


def neighbour_matrices(
    batches: Iterable[pa.RecordBatch], item_ids: pa.StringArray, sources: Collection[str]
) -> dict[str, sparse.csr_matrix]:
    """By source items × items, similarity of each item's kept neighbours, from rows of gold.item_neighbours."""
    none = np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32)
    entries = {source: [none] for source in sources}
    # Batch by batch: ids take several times the memory of positions.
    for batch in batches:
        for source in entries.keys() & set(batch["source"].unique().to_pylist()):
            entries[source].append(_entries(batch.filter(pc.equal(batch["source"], source)), item_ids))
    # Taken out one by one, so that what has become a matrix is let go.
    return {source: _matrix(entries.pop(source), len(item_ids)) for source in sources}


def _matrix(entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]], items: int) -> sparse.csr_matrix:
    rows, columns, values = (np.concatenate(parts) for parts in zip(*entries, strict=True))
    return sparse.csr_matrix((values, (rows, columns)), shape=(items, items))


def _entries(batch: pa.RecordBatch, item_ids: pa.StringArray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and values of the matrix; items that the snapshot does not know are left out."""
    lists = batch["neighbour_ids"]
    rows = positions(batch["item_id"], item_ids)[pc.list_parent_indices(lists).to_numpy()]
    columns = positions(pc.list_flatten(lists), item_ids)
    values = pc.list_flatten(batch["similarities"]).to_numpy()
    known = (rows >= 0) & (columns >= 0)
    return rows[known].astype(np.int32), columns[known].astype(np.int32), values[known]


def scores(batch: UserBatch, index: RetrievalIndex) -> SparseScores:
    """Similarity to the user's decayed history, summed, users × items."""
    return SparseScores(batch.taken @ index.learnt["item_to_item"])


def strongest_evidence(batch: UserBatch, index: RetrievalIndex, users: np.ndarray, items: np.ndarray) -> np.ndarray:
    """For each (user row, item) pair the position of the history item that adds most to its score, -1 for none."""
    similar, taken = index.neighbours_of, batch.taken.toarray()
    # Each pair with each item that its own item is a neighbour of.
    counts = np.diff(similar.indptr)[items]
    pairs = np.repeat(np.arange(len(items)), counts)
    within = np.arange(len(pairs)) - np.repeat(np.cumsum(counts) - counts, counts)
    entries = similar.indptr[items][pairs] + within
    neighbours = similar.indices[entries]
    strength = similar.data[entries] * taken[users[pairs], neighbours]
    some = np.flatnonzero(strength > 0)
    best = some[descending(pairs[some], strength[some], neighbours[some], batch.shape[1])]
    evidence = np.full(len(users), -1, dtype=np.int64)
    first = best[np.flatnonzero(np.diff(pairs[best], prepend=-1))]
    evidence[pairs[first]] = neighbours[first]
    return evidence
