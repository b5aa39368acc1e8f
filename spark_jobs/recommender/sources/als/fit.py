"""Item factors of one snapshot's histories with Spark MLlib."""

from __future__ import annotations

from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.recommender.sources.als.fold_in import ALPHA, ITERATIONS, RANK, REGULARISATION


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
