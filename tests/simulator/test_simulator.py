"""The simulated shop: reproducible, day by day, and with the truth it plants visible in what it writes."""

from __future__ import annotations

import json
import shutil
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError
from pyspark.sql import SparkSession

from spark_jobs.contracts.domain import find_domain
from spark_jobs.contracts.settings import PROJECT_ROOT
from spark_jobs.simulator.settings import Dirt
from spark_jobs.simulator.shop import ShopSettings, simulate
from tests.nights import LANDING, night_of, prepare

FIRST = date(2026, 3, 1)
CLEAN: dict[str, Any] = {"duplicate_share": 0.0, "late_share": 0.0, "dirt": {}}


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def events(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted((folder / "events").glob("*")) for line in path.open()]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    simulate(ShopSettings(users=300, items=240, visits_per_user_day=0.6, **CLEAN), folder, FIRST, 90)
    return folder


def test_equal_settings_write_equal_bytes_and_other_seeds_others(tmp_path: Path) -> None:
    settings = ShopSettings(users=50, items=60)
    for name, given in (("a", settings), ("b", settings), ("c", ShopSettings(users=50, items=60, seed=8))):
        simulate(given, tmp_path / name, FIRST, 5)

    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert files(tmp_path / "a") != files(tmp_path / "c")


def test_a_day_does_not_depend_on_how_many_follow(tmp_path: Path) -> None:
    settings = ShopSettings(users=60, items=60, visits_per_user_day=1.0)
    simulate(settings, tmp_path / "long", FIRST, 40)
    simulate(settings, tmp_path / "short", FIRST, 25)
    long = files(tmp_path / "long")
    for name, content in files(tmp_path / "short").items():
        if not name.startswith("_truth"):
            assert long[name] == content, name


def test_consumables_are_bought_again_after_their_cycle(shop: Path) -> None:
    bought = defaultdict(list)
    for event in events(shop):
        if event["event_type"] == "purchase":
            bought[event["user_id"], event["item_id"]].append(date.fromisoformat(event["occurred_at"][:10]))
    off = []
    for row in pq.read_table(shop / "_truth" / "repurchase.parquet").to_pylist():
        begun = date.fromordinal(FIRST.toordinal() + row["day"])
        if row["day"] + 1.5 * row["cycle_days"] < 60:
            later = [(day - begun).days for day in bought[row["user_id"], row["item_id"]] if day > begun]
            off.append(min((abs(days / row["cycle_days"] - 1) for days in later), default=1.0))

    assert len(off) > 50
    assert np.mean(np.array(off) < 0.35) > 0.7


def test_nothing_is_sold_outside_its_lifetime(shop: Path) -> None:
    items = {row["ids"]: row for row in pq.read_table(shop / "_truth" / "items.parquet").to_pylist()}
    seen = {
        (e["item_id"], date.fromisoformat(e["occurred_at"][:10]).toordinal() - FIRST.toordinal()) for e in events(shop)
    }

    assert all(items[item]["launch_day"] <= day < items[item]["withdrawal_day"] for item, day in seen)

    announced = {line.split(",")[0] for path in (shop / "items").glob("*.csv") for line in path.open()}

    assert {item for item, _ in seen} <= announced


def test_people_view_what_they_prefer(shop: Path) -> None:
    category = {row["ids"]: row["category"] for row in pq.read_table(shop / "_truth" / "items.parquet").to_pylist()}
    favourite = {
        row["ids"]: int(np.argmax(row["preference"]))
        for row in pq.read_table(shop / "_truth" / "users.parquet").to_pylist()
    }
    views = [event for event in events(shop) if event["event_type"] == "view"]
    share = np.mean([category[event["item_id"]] == favourite[event["user_id"]] for event in views])

    assert share > 0.3


def test_the_funnel_narrows_and_returns_follow_purchases(shop: Path) -> None:
    found = events(shop)
    counts = Counter(event["event_type"] for event in found)

    assert counts["view"] > counts["cart"] > counts["purchase"] > counts["return"] > 0

    bought = {(e["user_id"], e["item_id"]) for e in found if e["event_type"] == "purchase"}

    assert {(e["user_id"], e["item_id"]) for e in found if e["event_type"] == "return"} <= bought


def test_dirt_is_counted_as_it_lands(tmp_path: Path) -> None:
    summary = simulate(
        ShopSettings(users=200, items=100, dirt={"no_user": 0.01, "half_a_line": 0.01}, duplicate_share=0.02),
        tmp_path,
        FIRST,
        15,
    )
    ids, unreadable = Counter[str](), 0
    for path in sorted((tmp_path / "events").glob("*")):
        for line in path.read_text().splitlines():
            try:
                ids[json.loads(line)["event_id"]] += 1
            except ValueError:
                unreadable += 1

    assert sum(count - 1 for count in ids.values()) == summary.duplicates > 0
    assert unreadable + sum(name.startswith("no_user") for name in ids) == summary.malformed > 0

    daily = pq.read_table(tmp_path / "_truth" / "daily.parquet").to_pylist()

    assert sum(row["count"] for row in daily if row["kind"] == "late") == summary.late > 0


@pytest.mark.parametrize("wrong", [{"users": 1}, {"cart_share": 2.0}, {"colour": "red"}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        ShopSettings(**wrong)


CHECKS = {
    "no_user": "user_id_required",
    "no_item": "item_id_required",
    "unknown_type": "event_type_known",
    "no_time": "event_at_required",
    "time_of_1970": "event_at_plausible",
    "long_user": "id_length",
    "undecodable": "decoded",
    "half_a_line": "parsed",
}


def test_every_planted_row_of_a_dirty_month_comes_back_by_its_reason(spark: SparkSession, home: Path) -> None:
    settings = ShopSettings(
        users=200, items=100, dirt=dict.fromkeys(get_args(Dirt), 0.004), duplicate_share=0.01, late_share=0.02
    )
    simulate(settings, home / "landing" / "retail", FIRST, 30)
    shutil.copy(PROJECT_ROOT / "conf" / "retail.yaml", home / "conf")
    night = night_of(spark, find_domain(home / "conf", "retail"), "2026-03-31")
    prepare(night, *LANDING)
    truth = home / "landing" / "retail" / "_truth"
    planted = Counter(
        (f"retail/events/{row['file']}", CHECKS[row["kind"]])
        for row in pq.read_table(truth / "dirt.parquet").to_pylist()
    )
    daily = Counter[str]()
    for row in pq.read_table(truth / "daily.parquet").to_pylist():
        daily[row["kind"]] += row["count"]
    refused = night.rows("quarantine.interactions").to_pylist()
    (outcome,) = [row for row in night.rows("ops.batches").to_pylist() if row["table"] == "interactions"]

    assert Counter((row["delivery"], row["failed_check"]) for row in refused) == planted
    assert {check for _, check in planted} == set(CHECKS.values())
    assert outcome["duplicates"] == daily["duplicates"] > 0
    assert outcome["received"] == outcome["kept"] + sum(planted.values()) + daily["duplicates"]
