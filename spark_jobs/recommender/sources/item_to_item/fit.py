"""Co-visitation: how often the same users took two items, as a damped cosine.

It is counted with sparse products in one worker per snapshot. Beyond MOST_EVENTS users are spread over buckets, whose
counts are added up.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from scipy import sparse

from spark_jobs.recommender.arrays.item_events import NEIGHBOUR_COLUMNS, ROWS_PER_BLOCK
from spark_jobs.recommender.arrays.top_k import best_pairs
from spark_jobs.recommender.arrays.user_item_matrix import MOST_EVENTS, user_item_matrix

NEIGHBOURS = 100
"""Neighbours kept per item."""
SHRINKAGE = 10.0
"""Added to the norms: items that few users took need more evidence to look similar."""
PRODUCTS_PER_BLOCK = 5_000_000
"""Pairs of events of the same user that are added up together: some 100 MB."""

Pairs: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Items and other items, by position, and how often the same users took both."""


def neighbours(histories: DataFrame, most_events: int = MOST_EVENTS) -> DataFrame:
    """Rows of gold.item_neighbours: the most similar items as of every snapshot, best first.

    Counts are exact where a snapshot has no more than `most_events`, and pruned per bucket of users beyond.
    """
    histories = histories.where(F.col("events_total") > 0).select("as_of", "user_id", "item_ids", "weights")
    # A history keeps the latest events alone: of a shop of 20 million, 4 % less than there were.
    events = dict(map(tuple, histories.groupBy("as_of").agg(F.sum(F.size("item_ids"))).collect()))
    large = [day for day, count in events.items() if count > most_events]
    beyond = F.col("as_of").isin(large)
    spread = histories.where(~beyond).repartition(4 * max(len(events), 1), "as_of")
    exact = spread.groupBy("as_of").applyInArrow(neighbours_of_all, NEIGHBOUR_COLUMNS)
    if not large:
        return exact
    bucket = F.pmod(F.xxhash64("user_id"), F.lit(1 + max(events.values()) // most_events))
    bucketed = histories.where(beyond).groupBy("as_of", bucket.alias("bucket"))
    return exact.unionByName(rank_neighbours(bucketed.applyInArrow(*PAIRS), bucketed.applyInArrow(*NORMS)))


def neighbours_of_all(histories: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The neighbours of every item from the histories of all users at one snapshot, exactly."""
    day, ids, matrix = _taken(histories)
    norms, blocks = co_visitation(matrix, NEIGHBOURS)
    for rows, columns, together in blocks:
        similarity = damped_cosine(together, norms[rows], norms[columns])
        starts = np.flatnonzero(np.diff(rows, prepend=-1))
        offsets = pa.array(np.append(starts, len(rows)), pa.int32())
        yield pa.RecordBatch.from_pydict(
            {
                "as_of": pa.repeat(day, len(starts)),
                "source": pa.repeat("item_to_item", len(starts)),
                "item_id": ids.take(pa.array(rows[starts])),
                "neighbour_ids": pa.ListArray.from_arrays(offsets, ids.take(pa.array(columns))),
                "similarities": pa.ListArray.from_arrays(offsets, pa.array(similarity.astype(np.float32))),
            }
        )


def count_bucket(histories: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Co-visitation within one bucket of users at one snapshot.

    Takes `item_ids` and `weights` per user; gives for each item its most similar ones with `together`, which adds up
    over buckets; more of them than are kept in the end.
    """
    day, ids, matrix = _taken(histories)
    for rows, columns, together in co_visitation(matrix, 3 * NEIGHBOURS)[1]:
        yield pa.RecordBatch.from_pydict(
            {
                "as_of": pa.repeat(day, len(rows)),
                "item_id": ids.take(pa.array(rows)),
                "neighbour_id": ids.take(pa.array(columns)),
                "together": pa.array(together, pa.float64()),
            }
        )


def bucket_norms(histories: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Squared norms of items within one bucket of users at one snapshot, which add up over buckets."""
    day, ids, matrix = _taken(histories)
    norm = pa.array(squared_norms(matrix), pa.float64())
    yield pa.RecordBatch.from_pydict({"as_of": pa.repeat(day, len(ids)), "item_id": ids, "norm": norm})


PAIRS = count_bucket, "as_of date, item_id string, neighbour_id string, together double"
NORMS = bucket_norms, "as_of date, item_id string, norm double"


def _taken(histories: Iterator[pa.RecordBatch]) -> tuple[pa.Scalar, pa.StringArray, sparse.csr_matrix]:
    """The snapshot's date, its items, and users × items."""
    table = pa.Table.from_batches(histories)
    ids, matrix = user_item_matrix(table)
    return table["as_of"][0], pa.array(ids, pa.string()), matrix


def squared_norms(matrix: sparse.csr_matrix) -> np.ndarray:
    """Of each column.

    >>> squared_norms(sparse.csr_matrix([[1.0, 2.0], [1.0, 0.0]])).tolist()
    [2.0, 4.0]
    """
    return np.asarray(matrix.multiply(matrix).sum(axis=0)).ravel()


def co_visitation(matrix: sparse.csr_matrix, kept: int) -> tuple[np.ndarray, Iterator[Pairs]]:
    """Squared norms of items, and block by block the `kept` most similar others of each, best first.

    >>> matrix = sparse.csr_matrix([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    >>> norms, blocks = co_visitation(matrix, kept=1)
    >>> norms.tolist(), [[part.tolist() for part in block] for block in blocks]
    ([2.0, 2.0, 1.0], [[[0, 1, 2], [1, 0, 0], [2.0, 2.0, 1.0]]])
    """
    norms = squared_norms(matrix)
    by_item, items = matrix.T.tocsr(), matrix.shape[1]
    products = by_item.astype(bool).astype(np.int64) @ np.diff(matrix.indptr)
    new = np.diff(np.cumsum(products) // PRODUCTS_PER_BLOCK, prepend=-1) > 0
    starts = np.flatnonzero(new | (np.arange(items) % ROWS_PER_BLOCK == 0)).tolist()
    return norms, (_block(by_item, matrix, norms, *ends, kept) for ends in pairwise([*starts, items]))


def _block(
    by_item: sparse.csr_matrix, matrix: sparse.csr_matrix, norms: np.ndarray, start: int, stop: int, kept: int
) -> Pairs:
    product = (by_item[start:stop] @ matrix).tocoo()
    other = product.row + start != product.col
    rows, columns, together = product.row[other], product.col[other], product.data[other]
    similarity = damped_cosine(together, norms[rows + start], norms[columns])
    best = best_pairs(rows, columns, similarity, kept, product.shape[1])
    return rows[best] + start, columns[best], together[best]


def damped_cosine(together: np.ndarray, norms: np.ndarray, their_norms: np.ndarray) -> np.ndarray:
    """Similarity of pairs; rounded, so that the order of summation can't show.

    >>> damped_cosine(np.array([10.0]), np.array([10.0]), np.array([10.0])).tolist()
    [0.5]
    """
    return np.asarray(np.round(together / (np.sqrt(norms * their_norms) + SHRINKAGE), 9))


def rank_neighbours(pairs: DataFrame, norms: DataFrame) -> DataFrame:
    """Counts added over buckets, as a damped cosine, and the most similar items as arrays."""
    best_first = Window.partitionBy("as_of", "item_id").orderBy(F.desc("similarity"), "neighbour_id")
    added = pairs.groupBy("as_of", "item_id", "neighbour_id").agg(F.sum("together").alias("together"))
    norms = norms.groupBy("as_of", "item_id").agg(F.sum("norm").alias("norm"))
    theirs = norms.select("as_of", F.col("item_id").alias("neighbour_id"), F.col("norm").alias("their_norm"))
    cosine = F.col("together") / (F.sqrt(F.col("norm") * F.col("their_norm")) + F.lit(SHRINKAGE))
    ranked = (
        added.join(F.broadcast(norms), ["as_of", "item_id"])
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
