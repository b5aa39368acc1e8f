"""ALS item factors; users are folded in from their history when they are scored.

Reads gold.user_histories, writes gold.item_factors for the same snapshots.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.lakehouse.night import Night
from spark_jobs.lakehouse.snapshots import replace_snapshots
from spark_jobs.recommender.sources.als.fit import item_factors


def run(night: Night) -> None:
    """Factorise what users took as of every snapshot that is not there yet."""

    def describe(days: list[date]) -> DataFrame:
        histories = night.read("gold.user_histories").where(F.col("as_of").isin(days))
        return item_factors(histories, night.settings.shuffle_partitions)

    replace_snapshots(night, "gold.item_factors", describe, ages=False)
