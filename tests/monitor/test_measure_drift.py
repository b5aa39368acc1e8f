"""A shop of real files whose log loses half of itself: the night that measures it says so."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from pyspark.sql import SparkSession

from spark_jobs.contracts.job_catalog import JOBS
from spark_jobs.ledgers.drift import PROFILES, shifts_of
from spark_jobs.monitor.measure_drift import run as measure
from tests.nights import LANDING, land, night_of, prepare, write_domain

FIRST = date(2026, 3, 1)


def rows(day: date, users: int) -> list[str]:
    return [f"{day}-{user},u{user},i{user % 7},buy,{day}T10:00:00Z,{1 + user % 5}" for user in range(users)]


def test_a_night_is_profiled_compared_and_replaced_by_a_rerun(spark: SparkSession, home: Path) -> None:
    domain = write_domain(home, items={"from_interactions": {"categories": "array('all', concat('c', what))"}})
    # Landed day by day, which one night takes in: profiles are of days of events, not of deliveries.
    for number in range(12):
        land(home, f"{number}.csv", *rows(FIRST + timedelta(days=number), 200 if number < 11 else 40))
    last = FIRST + timedelta(days=12)
    prepare(night_of(spark, domain, last), *LANDING)
    found = {}
    for number in range(1, 13):
        night = night_of(spark, domain, FIRST + timedelta(days=number))
        measure(night.for_job(JOBS["measure_drift"]))
        found[number] = {(row["measure"], row["part"]): row for row in shifts_of(night.lakehouse, night.run_date)}

    assert found[5]["events", None]["status"] == "learning"
    assert found[11]["events", None]["status"] == "usual"
    assert found[12]["events", None]["status"] == "alarm"
    assert found[12]["events", "buy"]["text"] == "40, usually 200"
    assert found[12]["categories", None]["status"] == "too_few"

    profiles = {(row["measure"], row["part"]): row for row in night.rows(PROFILES, run_date=last).to_pylist()}
    assert dict(profiles["categories", None]["bins"]) == {
        f"c i{n}".replace(" ", ""): 6 if n < 5 else 5 for n in range(7)
    }
    assert dict(profiles["hours", None]["bins"]) == {"10": 40}
    assert profiles["new_users", None]["value"] == 0.0
    assert dict(profiles["values", None]["bins"])["2^1.0"] == 8
    assert profiles["largest_user", None]["value"] == 1 / 40

    measure(night.for_job(JOBS["measure_drift"]))
    again = night.rows(PROFILES, run_date=last)
    assert again.num_rows == len(profiles)
