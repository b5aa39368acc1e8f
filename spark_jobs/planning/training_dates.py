"""The dates that training needs, and the moments that dates stand for."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from pyspark.sql import DataFrame

from spark_jobs.contracts.domain.windows import ENOUGH, FEWEST_USERS, LONGER, Windows
from spark_jobs.lakehouse.night import Night
from spark_jobs.lakehouse.tables import literal

EVENTS = "silver.interactions"
SPARSE_LOG = 2_000_000
"""Events beyond which enough users come back in any window, and nobody counts them."""


def training_dates(night: Night) -> tuple[Windows, list[date]]:
    """The label windows, and their cutoffs with events before them, newest first: one for the test, then training."""
    begun = log_begins(night)
    windows = windows_since(night, begun)
    return windows, [cutoff for cutoff in windows.cutoffs(night.run_date) if night.domain.start_of(cutoff) > begun]


def windows_since(night: Night, begun: datetime) -> Windows:
    """The domain's label windows; where it does not say how long, for a log as long and as lively as tonight's."""
    history_days = (night.as_of - begun).total_seconds() / 86_400
    windows = night.domain.windows(history_days)
    if night.domain.train.window_days or night.lakehouse.count(EVENTS) > SPARSE_LOG:
        return windows
    for days in LONGER:
        if days * ENOUGH > history_days or returning_user_count(night, windows) >= FEWEST_USERS:
            break
        windows = windows.longer(days)
    return windows


def returning_user_count(night: Night, windows: Windows) -> int:
    """Users with target events in the window that is left for the test, and events before it."""
    cutoff = windows.cutoffs(night.run_date)[0]
    start, end = (
        f"to_timestamp('{night.domain.start_of(day).isoformat()}')"
        for day in (cutoff, cutoff + timedelta(days=windows.days))
    )
    targets = ", ".join(literal(name) for name in night.domain.target_events)
    inside = f"event_at >= {start} AND event_at < {end} AND event_type IN ({targets})"
    counted = night.lakehouse.query(
        "SELECT count(*) AS n FROM (SELECT user_id FROM events GROUP BY user_id "
        f"HAVING min(event_at) < {start} AND count(*) FILTER (WHERE {inside}) > 0)",
        events=(EVENTS, night.read_version(EVENTS)),
    )
    return int(counted["n"][0].as_py())


def log_begins(night: Night) -> datetime:
    """The moment of the first event; that of the run date without any."""
    first = night.lakehouse.query("SELECT min(event_at) AS at FROM events", events=(EVENTS, night.read_version(EVENTS)))
    begun: datetime = first["at"][0].as_py() or night.as_of
    return begun


def moments(night: Night, days: list[date]) -> DataFrame:
    """Snapshot dates with the moment each stands for: `as_of` (date), `as_of_at` (timestamp)."""
    return night.spark.createDataFrame([(day, night.domain.start_of(day)) for day in days], _MOMENTS)


_MOMENTS = "as_of date, as_of_at timestamp"
