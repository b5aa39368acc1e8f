"""Which moments a night describes: its own, and the training cuts when it trains."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame

from spark_jobs.lakehouse.decisions import decided
from spark_jobs.lakehouse.night import Night


def training_cuts(night: Night) -> list[date]:
    """The domain's cut dates (test, then training windows) that have events before them, newest first."""
    events = "silver.interactions"
    first = night.lakehouse.query("SELECT min(event_at) AS at FROM events", events=(events, night.pin(events)))
    begun = first["at"][0].as_py() or night.as_of
    return [cut for cut in night.domain.cut_dates(night.run_date) if night.domain.start_of(cut) > begun]


def snapshot_dates(night: Night) -> list[date]:
    """Dates to describe users and items as of, newest first."""
    return [night.run_date, *(training_cuts(night) if decided(night.lakehouse, "train", night.run_date) else [])]


def snapshot_moments(night: Night) -> DataFrame:
    """Snapshot dates with the moment each stands for: `as_of` (date), `as_of_at` (timestamp)."""
    rows = [(day, night.domain.start_of(day)) for day in snapshot_dates(night)]
    return night.spark.createDataFrame(rows, "as_of date, as_of_at timestamp")
