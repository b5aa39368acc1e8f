"""The catalogue as it was at a moment, from its versions."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.recommender.arrays.histories import MICROSECONDS_PER_DAY


def catalogue_as_of(items: DataFrame, snapshots: DataFrame) -> DataFrame:
    """The version of every item that held at each snapshot, and whether the item was available then."""
    newest_first = Window.partitionBy("as_of", "item_id").orderBy(F.desc("valid_from"))
    started = F.col("available_from").isNull() | (F.col("available_from") <= F.col("as_of_at"))
    not_ended = F.col("available_until").isNull() | (F.col("available_until") > F.col("as_of_at"))
    return (
        items.join(F.broadcast(snapshots), F.col("valid_from") <= F.col("as_of_at"))
        .withColumn("version", F.row_number().over(newest_first))
        .where("version = 1")
        .select(
            "as_of",
            "item_id",
            "title",
            "categories",
            "attributes",
            (started & not_ended).alias("eligible"),
            ((F.unix_micros("as_of_at") - F.unix_micros("available_from")) / MICROSECONDS_PER_DAY).alias("listed_days"),
        )
    )
