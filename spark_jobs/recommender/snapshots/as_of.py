"""As-of snapshots: the one rule for which events a snapshot may see."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def events_before(events: DataFrame, snapshots: DataFrame) -> DataFrame:
    """Every event once for every snapshot it strictly precedes, with `age_days` at the snapshot.

    `snapshots` holds `as_of` (date) and `as_of_at` (the moment it stands for).
    """
    return events.join(F.broadcast(snapshots), F.col("event_at") < F.col("as_of_at")).withColumn(
        "age_days", days_between("event_at", "as_of_at")
    )


def days_between(start: str, end: str) -> Column:
    """Days from one moment to another, in fractions."""
    return (F.unix_micros(end) - F.unix_micros(start)) / F.lit(86_400e6)
