"""Items similar to those the user took, recent ones first."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex, positions
from spark_jobs.recommender.arrays.scores import SparseScores
from spark_jobs.recommender.arrays.top_k import descending
from spark_jobs.recommender.arrays.user_batch import UserBatch
from spark_jobs.recommender.memory import give_back

_Part: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Positions of items and lengths of their lists of neighbours; positions and similarities of all neighbours."""


def neighbour_matrices(
    batches: Iterable[pa.RecordBatch], item_ids: pa.StringArray, sources: Collection[str]
) -> dict[str, sparse.csr_matrix]:
    """By source items × items, similarity of each item's kept neighbours, from rows of gold.item_neighbours."""
    parts: dict[str, list[_Part]] = {source: [] for source in sources}
    # Batch by batch: ids take several times the memory of positions.
    for batch in batches:
        for source in parts.keys() & set(batch["source"].unique().to_pylist()):
            parts[source].append(_part(batch.filter(pc.equal(batch["source"], source)), item_ids))
    # Taken out one by one, so that what has become a matrix is let go.
    return {source: _matrix(parts.pop(source), len(item_ids)) for source in sources}


def _part(batch: pa.RecordBatch, item_ids: pa.StringArray) -> _Part:
    """Lists of one source; what the snapshot does not know is left out."""
    rows, lists = positions(batch["item_id"], item_ids), batch["neighbour_ids"]
    columns, of_list = positions(pc.list_flatten(lists), item_ids), pc.list_parent_indices(lists).to_numpy()
    known = (rows[of_list] >= 0) & (columns >= 0)
    counts, values = np.bincount(of_list[known], minlength=len(rows)), pc.list_flatten(batch["similarities"]).to_numpy()
    return rows[rows >= 0], counts[rows >= 0], columns[known].astype(np.int32), values[known]


def _matrix(parts: list[_Part], items: int) -> sparse.csr_matrix:
    """Each list put where it belongs, and let go: a row number for every entry would be half as much memory again."""
    ends = np.zeros(items + 1, dtype=np.int64)
    for rows, counts, _, _ in parts:
        ends[rows + 1] = counts
    ends = np.cumsum(ends)
    columns, values = np.empty(ends[-1], dtype=np.int32), np.empty(ends[-1], dtype=np.float32)
    while parts:
        rows, counts, *entries = parts.pop()
        places = np.repeat(ends[rows] - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        columns[places], values[places] = entries
    give_back()
    return sparse.csr_matrix((values, columns, ends), shape=(items, items))


def scores(batch: UserBatch, index: RetrievalIndex) -> SparseScores:
    """Similarity to the user's decayed history, summed, users × items."""
    return SparseScores(batch.taken @ index.fitted["item_to_item"])


def strongest_explaining_item(
    batch: UserBatch, index: RetrievalIndex, users: np.ndarray, items: np.ndarray
) -> np.ndarray:
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
