"""Users folded in from their history, times item factors."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.recommender.snapshots.retrieval_index import RetrievalIndex, positions
from spark_jobs.recommender.snapshots.scores import DenseScores
from spark_jobs.recommender.snapshots.user_batch import UserBatch
from spark_jobs.recommender.sources.als.fold_in import ItemFactors, fold_in


def factor_matrix(of_snapshot: pa.RecordBatchReader, item_ids: pa.StringArray) -> ItemFactors:
    """Factors of the snapshot's items, from rows of gold.item_factors."""
    table = of_snapshot.read_all()
    rows = positions(table["item_id"], item_ids)
    values = pc.list_flatten(table["factors"].combine_chunks()).to_numpy().astype(np.float32)
    rank = max(len(values) // max(len(rows), 1), 1)
    factors = np.zeros((len(item_ids), rank), dtype=np.float32)
    factors[rows[rows >= 0]] = values.reshape(len(rows), rank)[rows >= 0]
    return ItemFactors(factors)


def scores(batch: UserBatch, index: RetrievalIndex) -> DenseScores:
    """Predicted preference, users × items; 0 for users without positive history."""
    items: ItemFactors = index.learnt["als"]
    return DenseScores(fold_in(batch.taken, items) @ items.factors.T)
