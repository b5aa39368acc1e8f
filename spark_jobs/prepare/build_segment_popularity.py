"""What users with an attribute take more, or less, than everybody: the first thing to know about a new user.

Reads gold.user_histories and silver.users, writes gold.segment_popularity for the same snapshots.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame

from spark_jobs.lakehouse.night import Night
from spark_jobs.planning.snapshots import histories_of, replace_snapshots, with_attributes
from spark_jobs.recommender.sources import sources_on
from spark_jobs.recommender.sources.segment_popularity.fit import segment_popularity


def run(night: Night) -> None:
    """Learn the segments of every snapshot that is not there yet; nothing to do where users have no attributes."""
    users, on = night.domain.users, "segment_popularity" in sources_on(night.domain.sources)
    if users is None or users.columns.attributes is None or not (on and night.lakehouse.exists("silver.users")):
        return

    def build(days: list[date]) -> DataFrame:
        return segment_popularity(with_attributes(night, histories_of(night, days)))

    known = str(night.read_version("silver.users"))
    replace_snapshots(night, "gold.segment_popularity", build, rests_on=lambda _: known, ages=False)
