"""The dates that training needs, and the moments that dates stand for."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
from pyspark.sql import DataFrame

from spark_jobs.contracts.domain.windows import ENOUGH, FEWEST_USERS, LONGER, Windows
from spark_jobs.lakehouse.night import Night
from spark_jobs.lakehouse.tables import literal

EVENTS = "silver.interactions"
STRAY = 0.01
"""Share of the earliest events that may have wrong times; where the log begins is asked of the others."""
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
        if days * ENOUGH > history_days or tested_user_count(night, windows) >= FEWEST_USERS:
            break
        windows = windows.longer(days)
    return windows


def tested_user_count(night: Night, windows: Windows) -> int:
    """Users who came back in the window that is left for the test."""
    cutoff = windows.cutoffs(night.run_date)[0]
    return returning_user_count(night, cutoff, cutoff + timedelta(days=windows.days))


def returning_user_count(night: Night, first: date, end: date) -> int:
    """Users with target events in the window from `first` to before `end`, and any events before it."""
    start, over = (f"to_timestamp('{night.domain.start_of(day).isoformat()}')" for day in (first, end))
    targets = ", ".join(literal(name) for name in night.domain.target_events)
    inside = f"event_at >= {start} AND event_at < {over} AND event_type IN ({targets})"
    counted = night.lakehouse.query(
        "SELECT count(*) AS n FROM (SELECT user_id FROM events GROUP BY user_id "
        f"HAVING min(event_at) < {start} AND count(*) FILTER (WHERE {inside}) > 0)",
        events=(EVENTS, night.read_version(EVENTS)),
    )
    return int(counted["n"][0].as_py())


def log_begins(night: Night) -> datetime:
    """The moment from which on 99 of 100 events lie; that of the run date without any.

    Not of the first event: one wrong early time would make a log of days one of decades, and its windows empty.
    """
    days = night.lakehouse.query(
        "SELECT date_trunc('day', event_at) AS day, min(event_at) AS first, count(*) AS n FROM events "
        "GROUP BY 1 ORDER BY 1",
        events=(EVENTS, night.read_version(EVENTS)),
    )
    counts = days["n"].to_numpy()
    lasting = np.flatnonzero(np.cumsum(counts) > STRAY * counts.sum())
    if not len(lasting):
        return night.as_of
    begun: datetime = days["first"][int(lasting[0])].as_py()
    return begun


def moments(night: Night, days: list[date]) -> DataFrame:
    """Snapshot dates with the moment each stands for: `as_of` (date), `as_of_at` (timestamp)."""
    return night.spark.createDataFrame([(day, night.domain.start_of(day)) for day in days], _MOMENTS)


_MOMENTS = "as_of date, as_of_at timestamp"
