"""Item factors of every snapshot by implicit ALS: in one worker per snapshot while it fits there, else over all.

Workers use the `implicit` library, which factorises a million ratings in a second or two; Spark MLlib takes over for
snapshots that one worker can't hold.
"""

from __future__ import annotations

from datetime import date
from functools import reduce

import numpy as np
import pyarrow as pa
from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.recommender.arrays.user_item_matrix import MOST_EVENTS, user_item_matrix
from spark_jobs.recommender.sources.als.fold_in import ALPHA, ITERATIONS, RANK, REGULARISATION

COLUMNS = "as_of date, item_id string, factors array<float>"
# Plain, not scaled by the number of ratings as MLlib's; small, so that both give the same quality after folding in.
_PLAIN_REGULARISATION = 0.1


def item_factors(histories: DataFrame, blocks: int, most_events: int = MOST_EVENTS) -> DataFrame:
    """`as_of`, `item_id`, `factors` for every snapshot in the histories."""
    events = histories.groupBy("as_of").agg(F.sum("events_total").alias("events")).collect()
    large = [row.as_of for row in events if row.events > most_events]
    small = histories.where(~F.col("as_of").isin(large)) if large else histories
    columns = small.select("as_of", "user_id", "item_ids", "weights").repartition(4 * max(len(events), 1), "as_of")
    factorised = [columns.groupBy("as_of").applyInArrow(factorise, COLUMNS)]
    factorised += [factorise_over_all(histories, day, blocks) for day in large]
    return reduce(DataFrame.unionByName, factorised)


def factorise(histories: pa.Table) -> pa.Table:
    """Factors of one snapshot in this process; none without positive events."""
    # Here, not above: the driver has no use for it.
    from implicit.cpu.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    ids, ratings = user_item_matrix(histories)
    factors = np.empty((0, RANK), dtype=np.float32)
    if ids:
        # In a fixed order, since sums of floats depend on it.
        order = np.argsort(np.asarray(histories["user_id"].to_pylist(), dtype=object), kind="stable")
        # People who took nothing would still move the random start of everybody else.
        confidence = ratings[order[np.diff(ratings.indptr)[order] > 0]].astype(np.float32)
        confidence.data = 1.0 + np.float32(ALPHA) * confidence.data
        with threadpool_limits(1, "blas"):
            model = AlternatingLeastSquares(
                RANK, regularization=_PLAIN_REGULARISATION, iterations=ITERATIONS, num_threads=1, random_state=1
            )
            model.fit(confidence, show_progress=False)
        factors = np.asarray(model.item_factors, dtype=np.float32)
    offsets = pa.array(np.arange(len(ids) + 1) * RANK, pa.int32())
    return pa.table(
        {
            "as_of": pa.repeat(histories["as_of"][0], len(ids)),
            "item_id": pa.array(ids, pa.string()),
            "factors": pa.ListArray.from_arrays(offsets, pa.array(factors.ravel())),
        }
    )


def factorise_over_all(histories: DataFrame, day: date, blocks: int) -> DataFrame:
    """Factors of one snapshot with Spark MLlib.

    Users are numbered by a 31-bit hash: a rare collision merges two users' evidence, and nobody is collected.
    """
    positive = (
        histories.where(F.col("as_of") == F.lit(day))
        .select("user_id", F.explode(F.arrays_zip("item_ids", "weights")).alias("event"))
        .where("event.weights > 0")
    )
    ratings = positive.groupBy("user_id", F.col("event.item_ids").alias("item_id")).agg(
        F.max("event.weights").alias("rating")
    )
    numbers = (
        ratings.select("item_id")
        .distinct()
        .withColumn("item", (F.row_number().over(Window.orderBy("item_id")) - 1).cast("int"))
        .localCheckpoint()
    )
    numbered = (
        ratings.join(F.broadcast(numbers), "item_id")
        .withColumn("user", F.pmod(F.xxhash64("user_id"), F.lit(2**31 - 1)).cast("int"))
        # Sums of floats depend on their order: fix it, so that a rerun gives the same factors.
        .repartition(blocks, "user")
        .sortWithinPartitions("user", "item")
    )
    als = ALS(
        rank=RANK,
        maxIter=ITERATIONS,
        regParam=REGULARISATION,
        alpha=ALPHA,
        implicitPrefs=True,
        seed=1,
        userCol="user",
        itemCol="item",
        ratingCol="rating",
        numUserBlocks=blocks,
        numItemBlocks=blocks,
    )
    model = als.fit(numbered)
    factors = model.itemFactors.withColumnRenamed("id", "item").withColumnRenamed("features", "factors")
    by_item = factors.join(F.broadcast(numbers), "item").select("item_id", "factors")
    return by_item.select(F.lit(day).alias("as_of"), "item_id", "factors")
