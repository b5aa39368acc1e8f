"""One row per item and snapshot: catalogue entry as of then, eligibility and popularity.

Reads silver.interactions and silver.items, writes gold.item_features. Shares are over all items of the snapshot.
"""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.lakehouse.calendar import moments
from spark_jobs.lakehouse.night import Night
from spark_jobs.lakehouse.snapshots import replace_snapshots
from spark_jobs.recommender.snapshots.as_of import events_before

HALF_LIVES_DAYS = (7, 30, 180)


def run(night: Night) -> None:
    """Describe every known item as of every snapshot that is not there yet."""
    items = night.require_rows("silver.items", "land a catalogue, or derive it with items.from_interactions")

    def describe(days: list[date]) -> DataFrame:
        snapshots = moments(night, days)
        popularity = popularity_as_of(night.read("silver.interactions"), snapshots)
        features = catalogue_as_of(items, snapshots).join(popularity, ["as_of", "item_id"], "left")
        shares = [name for name in popularity.columns if "popularity" in name]
        return features.fillna(0.0, shares).fillna(float("nan"), ["age_days", "mean_weight"])

    versions = night.lakehouse.query("SELECT valid_from FROM items", items=("silver.items", night.pin("silver.items")))

    def rests_on(day: date) -> str:
        known = versions.filter(pc.less_equal(versions["valid_from"], pa.scalar(night.domain.start_of(day))))
        return f"{known.num_rows} {pc.sum(known['valid_from'].cast('int64')).as_py()}"

    replace_snapshots(night, "gold.item_features", describe, rests_on=rests_on)


def catalogue_as_of(items: DataFrame, snapshots: DataFrame) -> DataFrame:
    """The version of every item that held at each snapshot, and whether the item was available then."""
    newest_first = Window.partitionBy("as_of", "item_id").orderBy(F.desc("valid_from"))
    started = F.col("available_from").isNull() | (F.col("available_from") <= F.col("as_of_at"))
    not_ended = F.col("available_until").isNull() | (F.col("available_until") > F.col("as_of_at"))
    return (
        items.join(F.broadcast(snapshots), F.col("valid_from") <= F.col("as_of_at"))
        .withColumn("version", F.row_number().over(newest_first))
        .where("version = 1")
        .select("as_of", "item_id", "title", "categories", (started & not_ended).alias("eligible"))
    )


def popularity_as_of(interactions: DataFrame, snapshots: DataFrame) -> DataFrame:
    """Popularity shares, age and mean weight of every item with events before each snapshot."""
    first_seen = F.min("event_at").over(Window.partitionBy("user_id"))
    events = interactions.withColumn("returning", F.col("event_at") > first_seen + F.expr("interval 1 day"))
    positive = F.greatest(F.col("weight"), F.lit(0.0))
    counted = (
        events_before(events, snapshots)
        .groupBy("as_of", "item_id")
        .agg(
            *[
                F.sum(positive * F.pow(F.lit(0.5), F.col("age_days") / days)).alias(f"popularity_{days}d")
                for days in HALF_LIVES_DAYS
            ],
            F.sum(positive).alias("popularity_all"),
            F.sum(
                F.when(F.col("returning"), positive * F.pow(F.lit(0.5), F.col("age_days") / 30)).otherwise(0.0)
            ).alias("returning_popularity"),
            F.max("age_days").alias("age_days"),
            F.avg("weight").alias("mean_weight"),
        )
    )
    names = [name for name in counted.columns if "popularity" in name]
    return counted.select("as_of", "item_id", *[_share(name).alias(name) for name in names], "age_days", "mean_weight")


def _share(name: str) -> Column:
    """The column as a share of its snapshot; rounded, so that the order of summation can't show."""
    total = F.sum(name).over(Window.partitionBy("as_of"))
    return F.round(F.when(total > 0, F.col(name) / total).otherwise(0.0), 12)
