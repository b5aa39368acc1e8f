"""ALS item factors; users are folded in from their history when they are scored.

Reads gold.user_histories, writes gold.item_factors for the same snapshots.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame

from spark_jobs.lakehouse.night import Night
from spark_jobs.planning.snapshots import histories_of, replace_snapshots
from spark_jobs.recommender.sources import sources_on
from spark_jobs.recommender.sources.als.fit import item_factors


def run(night: Night) -> None:
    """Factorise what users took as of every snapshot that is not there yet; nothing to do where the source is off."""
    if "als" not in sources_on(night.domain.sources):
        return

    def build(days: list[date]) -> DataFrame:
        return item_factors(histories_of(night, days), night.partitions)

    replace_snapshots(night, "gold.item_factors", build, ages=False)
