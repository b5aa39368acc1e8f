"""ALS item factors; users are folded in from their history when they are scored.

Reads gold.user_histories, writes gold.item_factors for the same snapshots.
"""

from __future__ import annotations

from functools import reduce

from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.lakehouse.night import Night
from spark_jobs.recommender.sources.als.fold_in import ALPHA, ITERATIONS, RANK, REGULARISATION


def run(night: Night) -> None:
    """Factorise what users took as of every snapshot of tonight."""
    histories = night.read("gold.user_histories")
    factors = [
        item_factors(histories.where(F.col("as_of") == F.lit(day)), night.settings.shuffle_partitions).withColumn(
            "as_of", F.lit(day)
        )
        for day in night.snapshot_dates()
    ]
    night.replace("gold.item_factors", reduce(DataFrame.unionByName, factors))


def item_factors(histories: DataFrame, blocks: int) -> DataFrame:
    """`item_id`, `factors` of implicit ALS on one snapshot's histories.

    Users are numbered by a 31-bit hash: a rare collision merges two users' evidence, and nobody is collected.
    """
    taken = histories.select("user_id", F.explode(F.arrays_zip("item_ids", "weights")).alias("event")).where(
        "event.weights > 0"
    )
    ratings = taken.groupBy("user_id", F.col("event.item_ids").alias("item_id")).agg(
        F.max("event.weights").alias("rating")
    )
    numbers = (
        ratings.select("item_id")
        .distinct()
        .withColumn("item", (F.row_number().over(Window.orderBy("item_id")) - 1).cast("int"))
        .persist()
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
    return factors.join(F.broadcast(numbers), "item").select("item_id", "factors")
