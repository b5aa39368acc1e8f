"""The dates that training needs, and the moments that dates stand for."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame

from spark_jobs.lakehouse.night import Night


def training_cuts(night: Night) -> list[date]:
    """The domain's cut dates (test, then training windows) that have events before them, newest first."""
    events = "silver.interactions"
    first = night.lakehouse.query("SELECT min(event_at) AS at FROM events", events=(events, night.pin(events)))
    begun = first["at"][0].as_py() or night.as_of
    return [cut for cut in night.domain.cut_dates(night.run_date) if night.domain.start_of(cut) > begun]


def moments(night: Night, days: list[date]) -> DataFrame:
    """Snapshot dates with the moment each stands for: `as_of` (date), `as_of_at` (timestamp)."""
    return night.spark.createDataFrame([(day, night.domain.start_of(day)) for day in days], _MOMENTS)


_MOMENTS = "as_of date, as_of_at timestamp"
