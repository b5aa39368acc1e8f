"""One row per item and snapshot: catalogue entry as of then, eligibility, age, place in histories and popularity.

Reads silver.items and gold.user_histories, writes gold.item_features. Shares are over all items of the snapshot.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.lakehouse.night import Night
from spark_jobs.planning.snapshots import histories_of, replace_snapshots
from spark_jobs.planning.training_dates import moments
from spark_jobs.recommender.catalogue import catalogue_as_of

HALF_LIVES_DAYS = (7, 30, 180)
LAST_YEAR_DAYS = (337.0, 365.0)
"""Ages of the events of the four weeks that follow the snapshot, a year before."""


def run(night: Night) -> None:
    """Describe every known item as of every snapshot that is not there yet."""
    items = night.require_rows("silver.items", "land a catalogue, or derive it with items.from_interactions")

    def build(days: list[date]) -> DataFrame:
        popularity = popularity_in(histories_of(night, days))
        features = catalogue_as_of(items, moments(night, days)).join(popularity, ["as_of", "item_id"], "left")
        features = features.withColumn("listed_days", F.coalesce("listed_days", "age_days"))
        shares = [name for name in popularity.columns if "popularity" in name]
        others = ["listed_days", "age_days", "usual_position", "repeat_share", "mean_weight"]
        return features.fillna(0.0, shares).fillna(float("nan"), others)

    replace_snapshots(night, "gold.item_features", build, on_items=True)


def popularity_in(histories: DataFrame) -> DataFrame:
    """Popularity shares, age, place in histories, repeats and mean weight of the items in each snapshot's histories.

    A user counts with the latest events alone that a history keeps, so that a robot doesn't decide what is popular.
    """
    first_place = (F.col("events_total") - F.size("item_ids") + 1).alias("first_place")
    event = F.posexplode(F.arrays_zip("item_ids", "weights", "ages_days", "repeated")).alias("number", "event")
    events = histories.select("as_of", "tenure_days", first_place, event).select(
        "as_of",
        F.col("event.item_ids").alias("item_id"),
        F.col("event.weights").alias("weight"),
        F.col("event.ages_days").alias("age_days"),
        (F.col("first_place") + F.col("number")).alias("place"),
        (F.col("tenure_days") - F.col("event.ages_days") > 1).alias("returning"),
        F.col("event.repeated").cast("double").alias("repeated"),
    )
    positive = F.greatest(F.col("weight"), F.lit(0.0))
    counted = events.groupBy("as_of", "item_id").agg(
        *[
            F.sum(positive * F.pow(F.lit(0.5), F.col("age_days") / days)).alias(f"popularity_{days}d")
            for days in HALF_LIVES_DAYS
        ],
        F.sum(positive).alias("popularity_all"),
        F.sum(F.when(F.col("returning"), positive * F.pow(F.lit(0.5), F.col("age_days") / 30)).otherwise(0.0)).alias(
            "returning_popularity"
        ),
        F.sum(F.when(F.col("age_days").between(*LAST_YEAR_DAYS), positive).otherwise(0.0)).alias(
            "popularity_last_year"
        ),
        F.max("age_days").alias("age_days"),
        F.round(F.avg(F.log("place")), 9).alias("usual_position"),
        F.avg("repeated").alias("repeat_share"),
        F.round(F.avg("weight"), 9).alias("mean_weight"),
    )
    names = [name for name in counted.columns if "popularity" in name]
    return counted.withColumns({name: _share(name) for name in names})


def _share(name: str) -> Column:
    """The column as a share of its snapshot; rounded, so that the order of summation can't show."""
    total = F.sum(name).over(Window.partitionBy("as_of"))
    return F.round(F.when(total > 0, F.col(name) / total).otherwise(0.0), 12)
