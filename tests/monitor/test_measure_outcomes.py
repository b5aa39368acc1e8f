"""What served lists came to, against figures worked out by hand."""

from __future__ import annotations

from datetime import date, timedelta
from math import log2
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.job_catalog import JOBS
from spark_jobs.contracts.tables import TABLES
from spark_jobs.lakehouse.night import Night, schema_of
from spark_jobs.ledgers.releases import HISTORY, LEDGER
from spark_jobs.monitor.measure_outcomes import run as measure
from spark_jobs.views.outcomes import outcomes_over_time
from tests.nights import LANDING, land, night_of, prepare, write_domain

FIRST = date(2026, 3, 1)
# Twenty users with a history of item h; everybody buys p, the popular one.
HISTORY_ROWS = [
    f"{user}-{item},u{user},{item},buy,2026-02-1{day}T10:00:00Z,1"
    for user in range(20)
    for item, day in (("h", 0), ("p", 1))
]


def publish(night: Night, day: date, lists: dict[str, str]) -> None:
    """A release of these lists (items are letters) that served from the day on."""
    release = f"r-{day}"
    rows = [
        (user, rank, item, item.upper(), 1.0 / rank, ["ease"], "because", day, release, "7")
        for user, items in lists.items()
        for rank, item in enumerate(items, 1)
    ]
    frame = night.spark.createDataFrame(rows, schema_of(TABLES[HISTORY]))
    night.replace(HISTORY, frame, where=f"run_date = DATE '{day}'")
    facts: dict[str, Any] = {"release": release, "kind": "publish", "model_version": "7", "inputs": {}}
    facts |= {"domain_digest": "", "code_version": "v", "users": len(lists), "rows": len(rows), "serving": True}
    Night(night.settings, night.domain, day, spark=night.spark).record(LEDGER, [facts])


@pytest.fixture
def domain(home: Path) -> Domain:
    return write_domain(
        home,
        rules={"already_seen": {"buy": "allow", "view": "allow"}},
        train={"window_days": 2, "target_events": ["buy"]},
        items={"from_interactions": {}},
    )


@pytest.fixture
def night(spark: SparkSession, domain: Domain, home: Path) -> Night:
    land(home, "a.csv", *HISTORY_ROWS)
    return night_of(spark, domain, FIRST + timedelta(days=2))


def test_the_second_place_taken_is_what_the_first_night_came_to(night: Night, home: Path) -> None:
    publish(night, FIRST, {f"u{user}": "xh" for user in range(20)})
    publish(night, FIRST + timedelta(days=1), {f"u{user}": "hx" for user in range(10)})
    # On the first day ten of them take h again, on the second the others x, which is new.
    taken = [
        f"t{user},u{user},{'h' if user < 10 else 'x'},buy,2026-03-0{1 + (user >= 10)}T12:00:00Z,1" for user in range(20)
    ]
    land(home, "b.csv", *taken, "n,new,h,buy,2026-03-01T12:00:00Z,1")
    prepare(night, *LANDING)
    measure(night.for_job(JOBS["measure_outcomes"]))
    one_day, two_days, second = sorted(
        outcomes_over_time(night.lakehouse, 9), key=lambda view: (view.served_from, view.days)
    )

    # Ten came with a list, and one who had none; h was in the second place.
    assert (one_day.served_from, one_day.days, one_day.users) == (FIRST, 1, 10)
    assert one_day.value == pytest.approx(1 / log2(3))
    assert one_day.with_list == pytest.approx(10 / 11)
    # Popularity and own history have p before h or after it: both were taken by all; h came first in both.
    assert one_day.popularity is not None
    assert one_day.popularity.users == 10
    assert one_day.previous is None

    # x in the first place for the other ten.
    assert (two_days.days, two_days.users) == (2, 20)
    assert two_days.value == pytest.approx((1 + 1 / log2(3)) / 2)

    # The second night's lists, of ten users only, on a day when the others came: nobody had a list.
    assert (second.served_from, second.users, second.value, second.with_list) == (FIRST + timedelta(days=1), 0, None, 0)


def test_the_lists_before_are_compared_on_the_same_users_and_late_events_replace(night: Night, home: Path) -> None:
    users = [f"u{user}" for user in range(20)]
    publish(night, FIRST - timedelta(days=1), dict.fromkeys(users, "xp"))
    publish(night, FIRST, dict.fromkeys(users, "px"))
    land(home, "b.csv", *[f"t{user},{user},p,buy,2026-03-01T12:00:00Z,1" for user in users[:15]])
    prepare(night, *LANDING)
    measure(night.for_job(JOBS["measure_outcomes"]))

    def view() -> Any:
        (found,) = [v for v in outcomes_over_time(night.lakehouse, 9, days=1) if v.served_from == FIRST]
        return found

    assert view().previous.difference == pytest.approx(1 - 1 / log2(3))
    assert view().previous.verdict == "better"
    assert (view().users, view().value) == (15, 1.0)

    slices = night.rows("ops.outcomes", days=1, served_from=FIRST).to_pylist()
    by_slice = {(row["metric"], row["slice"]): row["value"] for row in slices if row["model"] == "served"}

    assert by_slice["hit_rate", "place: 01"] == 1.0
    assert by_slice["hit_rate", "place: 02"] == 0.0
    assert by_slice["hit_rate", "source: ease"] == 0.5
    assert by_slice["recall_of_list", "day: 00"] == 1.0
    assert by_slice["share_of_taken", "taken: listed"] == 1.0
    assert by_slice["ndcg_at_10", "users: new"] == 1.0

    before = len(slices)
    measure(night.for_job(JOBS["measure_outcomes"]))

    assert night.rows("ops.outcomes", days=1, served_from=FIRST).to_pylist() == slices, "nothing new is measured again"

    late = [f"l{user},{user},q,buy,2026-03-01T13:00:00Z,1" for user in users[15:]]
    land(home, "late.csv", *late)
    prepare(night, *LANDING)
    measure(night.for_job(JOBS["measure_outcomes"]))

    assert (view().users, view().value) == (20, 0.75)
    again = night.rows("ops.outcomes", days=1, served_from=FIRST).to_pylist()
    assert len({(row["model"], row["metric"], row["slice"]) for row in again}) == len(again) >= before
    by_slice = {row["slice"]: row["value"] for row in again if row["metric"] == "share_of_taken"}
    assert by_slice["taken: not in the catalogue when the list was made"] == 0.25
