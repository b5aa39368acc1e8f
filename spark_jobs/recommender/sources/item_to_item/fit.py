"""Co-visitation: how often the same users took two items, as a damped cosine.

Users are spread over buckets whose co-visitation is counted with sparse products, so that no user leaves a worker.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from scipy import sparse

NEIGHBOURS = 100
"""Neighbours kept per item."""
SHRINKAGE = 10.0
"""Added to the norms: items that few users took need more evidence to look similar."""
ITEMS_PER_BLOCK = 2_000
"""Rows of the item-by-item product that are held at once."""
USERS_PER_BUCKET = 50_000
"""A bucket's histories fit one worker's memory; counts are exact with one bucket, and pruned per bucket beyond."""


def neighbours(histories: DataFrame, users_per_bucket: int = USERS_PER_BUCKET) -> DataFrame:
    """`as_of`, `item_id`, `neighbour_ids`, `similarities`: the most similar items as of every snapshot, best first."""
    histories = histories.where(F.size("item_ids") > 0)
    most = histories.groupBy("as_of").count().agg(F.max("count")).first()
    buckets = 1 + int((most[0] if most and most[0] else 0) / users_per_bucket)
    kept = NEIGHBOURS if buckets == 1 else 3 * NEIGHBOURS
    pairs = (
        histories.withColumn("bucket", F.pmod(F.xxhash64("user_id"), F.lit(buckets)))
        .select("as_of", "bucket", "user_id", "item_ids", "weights")
        .groupBy("as_of", "bucket")
        .applyInArrow(bucket_counter(kept), "as_of date, item_id string, neighbour_id string, together double")
    )
    # The counts are read twice, for pairs and for norms.
    return rank_neighbours(pairs.persist())


def bucket_counter(kept: int) -> Callable[[pa.Table], pa.Table]:
    """A function for `applyInArrow` from the histories of a bucket to its co-visitation counts."""

    def count(histories: pa.Table) -> pa.Table:
        return count_bucket(histories, kept)

    return count


def count_bucket(histories: pa.Table, kept: int) -> pa.Table:
    """Co-visitation within one bucket of users at one snapshot.

    Takes `item_ids` and `weights` per user; gives for each item its `kept` most similar ones with `together`, which
    adds up over buckets. Each item is its own neighbour once, with its squared norm.
    """
    ids, matrix = user_item_matrix(histories)
    norms = np.asarray(matrix.multiply(matrix).sum(axis=0)).ravel()
    by_item = matrix.T.tocsr()
    blocks = [
        _block(by_item, matrix, norms, start, min(start + ITEMS_PER_BLOCK, len(ids)), kept)
        for start in range(0, len(ids), ITEMS_PER_BLOCK)
    ]
    own = (np.arange(len(ids)), np.arange(len(ids)), norms)
    rows, columns, together = (np.concatenate(parts) for parts in zip(own, *blocks, strict=True))
    names = pa.array(ids, pa.string())
    return pa.table(
        {
            "as_of": pa.repeat(histories["as_of"][0], len(rows)),
            "item_id": names.take(pa.array(rows, pa.int64())),
            "neighbour_id": names.take(pa.array(columns, pa.int64())),
            "together": pa.array(together, pa.float64()),
        }
    )


def user_item_matrix(histories: pa.Table) -> tuple[list[str], sparse.csr_matrix]:
    """Item ids, sorted, and users × items with the largest positive weight of each pair."""
    item_ids = histories["item_ids"].combine_chunks()
    users = pc.list_parent_indices(item_ids).to_numpy()
    flat = pc.list_flatten(item_ids)
    weights = pc.list_flatten(histories["weights"].combine_chunks()).to_numpy().astype(np.float64)
    positive = weights > 0
    encoded = flat.filter(pa.array(positive)).dictionary_encode()
    order = np.argsort(np.asarray(encoded.dictionary.to_pylist(), dtype=object), kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    columns = place[encoded.indices.to_numpy()] if len(order) else np.empty(0, np.int64)
    rows = users[positive]
    keys, where = np.unique(rows.astype(np.int64) * max(len(order), 1) + columns, return_inverse=True)
    largest = np.zeros(len(keys))
    np.maximum.at(largest, where, weights[positive])
    shape = (histories.num_rows, len(order))
    rows_of, columns_of = np.divmod(keys, max(len(order), 1))
    names = [encoded.dictionary[int(k)].as_py() for k in order]
    return names, sparse.csr_matrix((largest, (rows_of, columns_of)), shape=shape)


def _block(
    by_item: sparse.csr_matrix, matrix: sparse.csr_matrix, norms: np.ndarray, start: int, stop: int, kept: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    product = (by_item[start:stop] @ matrix).tocoo()
    rows, columns, together = product.row + start, product.col, product.data
    other = rows != columns
    rows, columns, together = rows[other], columns[other], together[other]
    similarity = together / (np.sqrt(norms[rows] * norms[columns]) + SHRINKAGE)
    order = np.lexsort((columns, -similarity, rows))
    rows, columns, together = rows[order], columns[order], together[order]
    first = np.searchsorted(rows, rows, side="left")
    best = np.arange(len(rows)) - first < kept
    return rows[best], columns[best], together[best]


def rank_neighbours(pairs: DataFrame) -> DataFrame:
    """Counts added over buckets, as a damped cosine, and the most similar items as arrays."""
    best_first = Window.partitionBy("as_of", "item_id").orderBy(F.desc("similarity"), "neighbour_id")
    added = pairs.groupBy("as_of", "item_id", "neighbour_id").agg(F.sum("together").alias("together"))
    norms = added.where("item_id = neighbour_id").select("as_of", "item_id", F.col("together").alias("norm"))
    theirs = norms.select("as_of", F.col("item_id").alias("neighbour_id"), F.col("norm").alias("their_norm"))
    cosine = F.col("together") / (F.sqrt(F.col("norm") * F.col("their_norm")) + F.lit(SHRINKAGE))
    ranked = (
        added.where("item_id <> neighbour_id")
        .join(F.broadcast(norms), ["as_of", "item_id"])
        .join(F.broadcast(theirs), ["as_of", "neighbour_id"])
        .withColumn("similarity", F.round(cosine, 9))
        .withColumn("place", F.row_number().over(best_first))
        .where(F.col("place") <= NEIGHBOURS)
    )
    entry = F.array_sort(F.collect_list(F.struct("place", "neighbour_id", "similarity")))
    return (
        ranked.groupBy("as_of", "item_id")
        .agg(entry.alias("entries"))
        .select(
            "as_of",
            "item_id",
            F.col("entries.neighbour_id").alias("neighbour_ids"),
            F.col("entries.similarity").alias("similarities"),
        )
    )
