"""ALS item factors; users are folded in from their history when they are scored.

Reads gold.user_histories, writes gold.item_factors for the same snapshots.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.lakehouse.calendar import snapshot_dates
from spark_jobs.lakehouse.night import Night
from spark_jobs.recommender.sources.als.fit import item_factors


def run(night: Night) -> None:
    """Factorise what users took as of every snapshot of tonight."""
    histories, blocks = night.read("gold.user_histories"), night.settings.shuffle_partitions
    factors = [
        item_factors(histories.where(F.col("as_of") == F.lit(day)), blocks).withColumn("as_of", F.lit(day))
        for day in snapshot_dates(night)
    ]
    night.replace("gold.item_factors", reduce(DataFrame.unionByName, factors))
