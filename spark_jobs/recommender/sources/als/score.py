"""Users folded in from their history, times item factors."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex, positions
from spark_jobs.recommender.arrays.scores import DenseScores
from spark_jobs.recommender.arrays.user_batch import UserBatch
from spark_jobs.recommender.sources.als.fold_in import ItemFactors, fold_in


def fitted_factors(
    rows: pa.RecordBatchReader, item_ids: pa.StringArray, sources: Collection[str]
) -> dict[str, ItemFactors]:
    """See FittedModel: the one source of gold.item_factors."""
    return dict.fromkeys(sources, factor_matrix(rows.read_all(), item_ids))


def factor_matrix(table: pa.Table, item_ids: pa.StringArray) -> ItemFactors:
    """Factors of the snapshot's items, from rows of gold.item_factors."""
    rows = positions(table["item_id"], item_ids)
    values = pc.list_flatten(table["factors"].combine_chunks()).to_numpy().astype(np.float32)
    rank = max(len(values) // max(len(rows), 1), 1)
    factors = np.zeros((len(item_ids), rank), dtype=np.float32)
    factors[rows[rows >= 0]] = values.reshape(len(rows), rank)[rows >= 0]
    return ItemFactors(factors)


def scores(batch: UserBatch, index: RetrievalIndex) -> DenseScores:
    """Predicted preference, users × items; 0 for users without positive history."""
    items: ItemFactors = index.fitted["als"]
    return DenseScores(fold_in(batch.taken, items) @ items.factors.T)
