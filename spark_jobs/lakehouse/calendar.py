"""The dates that training needs, and the moments that dates stand for."""

from __future__ import annotations

from datetime import date, datetime

from pyspark.sql import DataFrame

from spark_jobs.contracts.domain.windows import Windows
from spark_jobs.lakehouse.night import Night


def windows_of(night: Night) -> Windows:
    """The domain's label windows, for a log as long as tonight's."""
    return night.domain.windows((night.as_of - log_begins(night)).total_seconds() / 86_400)


def training_cuts(night: Night) -> list[date]:
    """The dates of the cuts (test, then training windows) that have events before them, newest first."""
    begun = log_begins(night)
    return [cut for cut in windows_of(night).cuts(night.run_date) if night.domain.start_of(cut) > begun]


def log_begins(night: Night) -> datetime:
    """The moment of the first event; that of the run date without any."""
    events = "silver.interactions"
    first = night.lakehouse.query("SELECT min(event_at) AS at FROM events", events=(events, night.pin(events)))
    begun: datetime = first["at"][0].as_py() or night.as_of
    return begun


def moments(night: Night, days: list[date]) -> DataFrame:
    """Snapshot dates with the moment each stands for: `as_of` (date), `as_of_at` (timestamp)."""
    return night.spark.createDataFrame([(day, night.domain.start_of(day)) for day in days], _MOMENTS)


_MOMENTS = "as_of date, as_of_at timestamp"
