"""Shares of the work on many users: equal ones for tasks, and batches that fit a fixed amount of memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame, GroupedData
from pyspark.sql import functions as F

CELLS_PER_BATCH = 4_000_000
"""users × items of one batch; a few arrays of that many 4-byte scores are alive at a time."""
ROWS_PER_BATCH = 10_000
"""Rows, each with a hundred ids or two, that a worker gives back at once: the JVM holds them beside its heap."""

SHARES_PER_CORE = 2
MOST_USERS = 50_000
"""Users of a snapshot that a worker learns from: sample enough, and it fits whatever the size of the shop."""


def shared_out(histories: DataFrame, *first: str) -> DataFrame:
    """The users in equal shares, in an order that rests on them alone; by the columns `first`, if any.

    Files are of many sizes, and Spark reads several small ones in one task: scoring would wait for the largest.
    """
    shares = SHARES_PER_CORE * histories.sparkSession.sparkContext.defaultParallelism
    return histories.repartition(shares, "user_id").sortWithinPartitions(*first, "user_id")


def by_snapshot(histories: DataFrame, *columns: str) -> tuple[GroupedData, bool]:
    """User ids and the columns of users with events, snapshot by snapshot, and whether of all: some of a large shop."""
    some = histories.where(F.col("events_total") > 0).select("as_of", "user_id", *columns)
    users = some.groupBy("as_of").count().collect()
    parts = 1 + max((row["count"] for row in users), default=0) // MOST_USERS
    sample = some.where(F.pmod(F.xxhash64("user_id"), F.lit(parts)) == 0) if parts > 1 else some
    # More partitions than snapshots, so that workers that are free take the next one.
    return sample.repartition(4 * max(len(users), 1), "as_of").groupBy("as_of"), parts == 1


def resized(batches: Iterable[pa.RecordBatch], items: int) -> Iterator[pa.RecordBatch]:
    """The batches, sliced to at most CELLS_PER_BATCH / items users each."""
    users = max(1, CELLS_PER_BATCH // max(items, 1))
    for batch in batches:
        for start in range(0, batch.num_rows, users):
            yield batch.slice(start, users)
