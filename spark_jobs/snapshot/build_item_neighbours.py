"""Item-to-item similarities: for each item, those that the same users took.

Reads gold.user_histories, writes gold.item_neighbours for the same snapshots.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.lakehouse.night import Night
from spark_jobs.lakehouse.snapshots import replace_snapshots
from spark_jobs.recommender.sources.item_to_item.fit import neighbours


def run(night: Night) -> None:
    """Find the neighbours of every item as of every snapshot that is not there yet."""

    def describe(days: list[date]) -> DataFrame:
        return neighbours(night.read("gold.user_histories").where(F.col("as_of").isin(days)))

    replace_snapshots(night, "gold.item_neighbours", describe, ages=False)
