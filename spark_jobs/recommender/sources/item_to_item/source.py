"""Items similar to those the user took, recent ones first."""

from __future__ import annotations

import numpy as np

from spark_jobs.recommender.snapshots.retrieval_index import RetrievalIndex
from spark_jobs.recommender.snapshots.user_batch import UserBatch


def item_to_item(batch: UserBatch, index: RetrievalIndex) -> np.ndarray:
    """Similarity to the user's decayed history, summed, users × items."""
    return np.asarray((batch.taken @ index.neighbours).toarray(), dtype=np.float32)


def strongest_evidence(batch: UserBatch, index: RetrievalIndex, users: np.ndarray, items: np.ndarray) -> np.ndarray:
    """For each (user row, item) pair the position of the history item that adds most to its score, -1 for none."""
    taken, similar = batch.taken, index.neighbours.tocsc()
    evidence = np.full(len(users), -1, dtype=np.int64)
    for pair, (user, item) in enumerate(zip(users, items, strict=True)):
        column = similar[:, [item]]
        contribution = taken[[user]].multiply(column.T).tocsr()
        if contribution.nnz:
            evidence[pair] = contribution.indices[np.argmax(contribution.data)]
    return evidence
