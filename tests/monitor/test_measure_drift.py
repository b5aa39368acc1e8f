"""A shop of real files whose log loses half of itself: the night that measures it says so."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from pyspark.sql import SparkSession

from spark_jobs.contracts.job_catalog import JOBS
from spark_jobs.contracts.tables import TABLES
from spark_jobs.lakehouse.night import schema_of
from spark_jobs.ledgers.decisions import Kind, latest_of_date
from spark_jobs.ledgers.drift import PROFILES, shifts_of
from spark_jobs.monitor.measure_drift import run as measure
from spark_jobs.prepare.decide_training import run as decide
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


def test_lists_are_profiled_where_tonight_published_them(spark: SparkSession, home: Path) -> None:
    domain = write_domain(home, items={"from_interactions": {"categories": "array('all', concat('c', what))"}})
    land(home, "a.csv", *rows(FIRST, 20))
    night = night_of(spark, domain, FIRST + timedelta(days=1))
    prepare(night, *LANDING)
    places = [
        (
            f"u{user}",
            rank,
            f"i{rank % 7}",
            "T",
            2.0 / rank,
            ["ease" if rank < 5 else "als"],
            "why",
            night.run_date,
            "r",
            "7",
        )
        for user in range(10)
        for rank in range(1, 11)
    ]
    frame = spark.createDataFrame(places, schema_of(TABLES["gold.recommendations"]))
    night.replace("gold.recommendations", frame)
    features = [(night.run_date, f"i{item}", "T", ["all", f"c{item}"], {}, item < 7, *[0.0] * 11) for item in range(14)]
    night.replace("gold.item_features", spark.createDataFrame(features, schema_of(TABLES["gold.item_features"])))
    facts = {"release": "r", "kind": "publish", "model_version": "7", "inputs": {}, "domain_digest": "", "churn": 0.25}
    night.record("ops.releases", [facts | {"code_version": "v", "users": 10, "rows": 100, "serving": True}])
    measure(night.for_job(JOBS["measure_drift"]))
    found = {(row["measure"], row["part"]): row for row in night.rows(PROFILES).to_pylist()}

    assert found["lists", None]["value"] == 10
    assert found["coverage", None]["value"] == 1.0
    assert found["churn", None]["value"] == 0.25
    assert dict(found["sources", None]["bins"]) == {"ease": 40, "als": 60}
    assert dict(found["margins", "model 7"]["bins"]) == {"2^0.5": 10}, "2 less .2"
    assert found["largest_item", None]["value"] == 2.0
    assert sum(dict(found["listed_categories", None]["bins"]).values()) == 100


def test_a_drift_trains_the_next_night_where_the_domain_asks_for_it(spark: SparkSession, home: Path) -> None:
    events = [row for number in range(40) for row in rows(FIRST + timedelta(days=number), 30)]
    land(home, "a.csv", *events)
    decided = {}
    for retrain in (False, True):
        domain = write_domain(
            home, monitor={"retrain": retrain}, train={"every_days": 30, "window_days": 7, "windows": 2}
        )
        night = night_of(spark, domain, FIRST + timedelta(days=40))
        prepare(night, *LANDING)
        before = night_of(spark, domain, FIRST + timedelta(days=38))
        before.record("ops.decisions", [{"decision": "promote", "outcome": "no", "reason": "tested"}])
        alarm = {"measure": "values", "status": "alarm", "users": 30, "text": "PSI 0.9"}
        night_of(spark, domain, FIRST + timedelta(days=39)).record("ops.drift", [alarm])
        decide(night.for_job(JOBS["decide_training"]))
        decision = latest_of_date(night.lakehouse, Kind.TRAIN, night.run_date)
        assert decision is not None
        decided[retrain] = (decision.yes, decision.reason)

    assert decided[False] == (False, "the latest training is 2 days old; it is due after 30")
    assert decided[True] == (True, "values drifted: PSI 0.9")
