"""Label windows are as long as the log allows and its users need, unless the domain file says how long."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark_jobs.contracts.tables import TABLES
from spark_jobs.lakehouse.night import Night, schema_of
from spark_jobs.planning.training_dates import training_dates
from tests.nights import night_of, write_domain

FIRST, NIGHT = datetime(2024, 1, 1, tzinfo=UTC), date(2026, 1, 1)


def buying(night: Night, users: int, every_days: int, since: int = 0, kind: str = "buy") -> Night:
    """The night, with users who buy every so many days, not all on the same one; some from the first day on."""
    rows = [
        (f"{user}-{day}", f"u{user}", "i1", kind, FIRST + timedelta(days=day, minutes=user), 1.0, None, "b")
        for user in range(users)
        for day in [*([0] if user < 30 else []), *range(since + user % every_days, 731, every_days)]
    ]
    frame = night.spark.createDataFrame(rows, schema_of(TABLES["silver.interactions"]))
    night.replace("silver.interactions", frame)
    return night


@pytest.mark.parametrize(("users", "every_days", "expected"), [(250, 10, 14), (250, 20, 28), (30, 60, 84)])
def test_windows_are_longer_where_few_users_come_back(
    spark: SparkSession, home: Path, users: int, every_days: int, expected: int
) -> None:
    night = buying(night_of(spark, write_domain(home), NIGHT), users, every_days)
    windows, cutoffs = training_dates(night)

    assert windows.days == expected
    assert cutoffs[0] + timedelta(days=expected) <= NIGHT
    assert FIRST.date() < cutoffs[-1] <= cutoffs[0]
    # As many snapshots of each table are kept as with short windows, or fewer.
    assert windows.days // windows.grid_days <= 4

    told = buying(night_of(spark, write_domain(home, train={"window_days": 21}), NIGHT), users, every_days)

    assert training_dates(told)[0].days == 21


def test_who_comes_for_the_first_time_or_takes_nothing_did_not_come_back(spark: SparkSession, home: Path) -> None:
    new_users = buying(night_of(spark, write_domain(home), NIGHT), 1_000, 20, since=710)

    assert training_dates(new_users)[0].days == 84

    lookers = buying(night_of(spark, write_domain(home), NIGHT), 250, 10, kind="return")

    assert training_dates(lookers)[0].days == 84
