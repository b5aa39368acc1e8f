"""Co-visitation: how often the same users took two items, as a damped cosine.

It is counted with sparse products in one worker per snapshot. Beyond MOST_EVENTS users are spread over buckets, whose
counts are added up.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from scipy import sparse

from spark_jobs.recommender.snapshots.batches import in_batches
from spark_jobs.recommender.snapshots.item_events import LEARNT, ROWS_PER_BLOCK
from spark_jobs.recommender.snapshots.packed import best_pairs
from spark_jobs.recommender.snapshots.user_item_matrix import MOST_EVENTS, user_item_matrix

NEIGHBOURS = 100
"""Neighbours kept per item."""
SHRINKAGE = 10.0
"""Added to the norms: items that few users took need more evidence to look similar."""
PRODUCTS_PER_BLOCK = 5_000_000
"""Pairs of events of the same user that are added up together: some 100 MB."""


def neighbours(histories: DataFrame, most_events: int = MOST_EVENTS) -> DataFrame:
    """Rows of gold.item_neighbours: the most similar items as of every snapshot, best first.

    Counts are exact where a snapshot has no more than `most_events`, and pruned per bucket of users beyond.
    """
    histories = histories.where(F.size("item_ids") > 0).select("as_of", "user_id", "item_ids", "weights")
    events = [row[1] for row in histories.groupBy("as_of").agg(F.sum(F.size("item_ids"))).collect()]
    buckets = 1 + max(events, default=0) // most_events
    if buckets == 1:
        # More partitions than snapshots, so that workers that are free take the next one.
        spread = histories.repartition(4 * max(len(events), 1), "as_of")
        return spread.groupBy("as_of").applyInArrow(neighbours_of_all, LEARNT)
    columns = "as_of date, item_id string, neighbour_id string, together double"
    bucketed = histories.withColumn("bucket", F.pmod(F.xxhash64("user_id"), F.lit(buckets)))
    return rank_neighbours(bucketed.groupBy("as_of", "bucket").applyInArrow(count_bucket, columns))


def neighbours_of_all(histories: pa.Table) -> pa.Table:
    """The neighbours of every item from the histories of all users at one snapshot, exactly."""
    ids, matrix = user_item_matrix(histories)
    norms, rows, columns, together = co_visitation(matrix, NEIGHBOURS)
    similarity = damped_cosine(together, norms[rows], norms[columns])
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    owners = rows[starts]
    offsets = pa.array(np.append(starts, len(rows)), pa.int32())
    names = pa.array(ids, pa.string())
    found = pa.table(
        {
            "as_of": pa.repeat(histories["as_of"][0], len(owners)),
            "source": pa.repeat("item_to_item", len(owners)),
            "item_id": names.take(pa.array(owners, pa.int64())),
            "neighbour_ids": pa.ListArray.from_arrays(offsets, names.take(pa.array(columns, pa.int64()))),
            "similarities": pa.ListArray.from_arrays(offsets, pa.array(similarity.astype(np.float32))),
        }
    )
    return in_batches(found)


def count_bucket(histories: pa.Table) -> pa.Table:
    """Co-visitation within one bucket of users at one snapshot.

    Takes `item_ids` and `weights` per user; gives for each item its most similar ones with `together`, which adds up
    over buckets; more of them than are kept in the end. Each item is its own neighbour once, with its squared norm.
    """
    ids, matrix = user_item_matrix(histories)
    norms, rows, columns, together = co_visitation(matrix, 3 * NEIGHBOURS)
    own = np.arange(len(ids))
    rows, columns, together = (np.concatenate(pair) for pair in ((own, rows), (own, columns), (norms, together)))
    names = pa.array(ids, pa.string())
    found = pa.table(
        {
            "as_of": pa.repeat(histories["as_of"][0], len(rows)),
            "item_id": names.take(pa.array(rows, pa.int64())),
            "neighbour_id": names.take(pa.array(columns, pa.int64())),
            "together": pa.array(together, pa.float64()),
        }
    )
    return in_batches(found)


def co_visitation(matrix: sparse.csr_matrix, kept: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Squared norms of items, and for each its `kept` most similar others, best first: rows, columns and counts."""
    norms = np.asarray(matrix.multiply(matrix).sum(axis=0)).ravel()
    by_item, items = matrix.T.tocsr(), matrix.shape[1]
    products = by_item.astype(bool).astype(np.int64) @ np.diff(matrix.indptr)
    new = np.diff(np.cumsum(products) // PRODUCTS_PER_BLOCK, prepend=-1) > 0
    starts = np.flatnonzero(new | (np.arange(items) % ROWS_PER_BLOCK == 0)).tolist()
    blocks = [_block(by_item, matrix, norms, start, stop, kept) for start, stop in pairwise([*starts, items])]
    if not blocks:
        return norms, np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    rows, columns, together = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return norms, rows, columns, together


def _block(
    by_item: sparse.csr_matrix, matrix: sparse.csr_matrix, norms: np.ndarray, start: int, stop: int, kept: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    product = (by_item[start:stop] @ matrix).tocoo()
    other = product.row + start != product.col
    rows, columns, together = product.row[other], product.col[other], product.data[other]
    similarity = damped_cosine(together, norms[rows + start], norms[columns])
    best = best_pairs(rows, columns, similarity, kept, product.shape[1])
    return rows[best] + start, columns[best], together[best]


def damped_cosine(together: np.ndarray, norms: np.ndarray, their_norms: np.ndarray) -> np.ndarray:
    """Similarity of pairs; rounded, so that the order of summation can't show."""
    return np.asarray(np.round(together / (np.sqrt(norms * their_norms) + SHRINKAGE), 9))


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
            F.lit("item_to_item").alias("source"),
            "item_id",
            F.col("entries.neighbour_id").alias("neighbour_ids"),
            F.col("entries.similarity").alias("similarities"),
        )
    )
