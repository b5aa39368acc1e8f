"""Shares of the work on many users: equal ones for tasks, and batches that fit a fixed amount of memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame, GroupedData
from pyspark.sql import functions as F

CELLS_PER_BATCH = 4_000_000
"""users × items of one batch; a few arrays of that many 4-byte scores are alive at a time."""
ROWS_PER_BATCH = 10_000
"""Rows that a worker gives back at once, each with a hundred ids or two."""

SHARES_PER_CORE = 2
MOST_USERS = 50_000
"""Users of a snapshot that a worker learns from: sample enough, and it fits whatever the size of the shop."""


def shared_out(histories: DataFrame, *first: str) -> DataFrame:
    """The users in equal shares, in an order that rests on them alone; by the columns `first`, if any.

    Files are of many sizes, and Spark reads several small ones in one task: scoring would wait for the largest.
    """
    shares = SHARES_PER_CORE * histories.sparkSession.sparkContext.defaultParallelism
    return histories.repartition(shares, "user_id").sortWithinPartitions(*first, "user_id")


def by_snapshot(histories: DataFrame, *columns: str) -> GroupedData:
    """User ids and the columns of users with events, snapshot by snapshot; a sample of a large shop."""
    some = histories.where(F.size("item_ids") > 0).select("as_of", "user_id", *columns)
    users = some.groupBy("as_of").count().collect()
    most = max((row["count"] for row in users), default=0)
    sample = some.where(F.pmod(F.xxhash64("user_id"), F.lit(1 + most // MOST_USERS)) == 0)
    return sample.repartition(4 * max(len(users), 1), "as_of").groupBy("as_of")


def resized(batches: Iterable[pa.RecordBatch], items: int) -> Iterator[pa.RecordBatch]:
    """The batches, sliced to at most CELLS_PER_BATCH / items users each."""
    users = max(1, CELLS_PER_BATCH // max(items, 1))
    for batch in batches:
        for start in range(0, batch.num_rows, users):
            yield batch.slice(start, users)


def in_batches(table: pa.Table) -> pa.Table:
    """The same rows, ROWS_PER_BATCH at a time: the JVM reads a batch as a whole, into memory beside its heap."""
    return pa.Table.from_batches(table.to_batches(max_chunksize=ROWS_PER_BATCH), table.schema)
