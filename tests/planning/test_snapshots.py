"""Snapshots are kept while what they rest on stays the same, and what is kept equals what a full refresh makes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import exp
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.tables import TABLES as CONTRACTS
from spark_jobs.lakehouse.night import Night, schema_of
from spark_jobs.planning.snapshots import users_as_of
from spark_jobs.prepare.build_item_features import popularity_in
from spark_jobs.recommender.arrays.histories import histories_as_of
from spark_jobs.runner.run import JobFailedError
from tests.nights import content, land, night_of, prepare, write_domain

TABLES = ("gold.user_histories", "gold.item_features", "gold.item_neighbours", "gold.item_factors")
FIRST, THEN = date(2026, 2, 19), date(2026, 2, 26)
TRAIN = {"every_days": 7, "window_days": 7, "windows": 2}


def purchases(days: range) -> list[tuple[str, str, str, str, datetime, float, None, str]]:
    """Rows of silver.interactions: a purchase of each of a dozen users on every day of the year 2026 given."""
    return [
        (f"{day}-{user}", f"u{user}", f"i{(user * day) % 7}", "buy", moment(day, user), 1.0, None, f"b{day}")
        for day in days
        for user in range(12)
    ]


def moment(day: int, minute: int = 0) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day, minutes=minute)


def snapshot(night: Night, rows: list[tuple[Any, ...]], *, train: bool = True) -> None:
    """Put the events into silver and run the jobs that describe, with their gates."""
    night.replace("silver.interactions", night.spark.createDataFrame(rows, schema_of(CONTRACTS["silver.interactions"])))
    if not night.lakehouse.exists("silver.items"):
        always = datetime(1970, 1, 1, tzinfo=UTC)
        items = [(f"i{k}", always, f"Item {k}", [], {}, None, None, "b", False) for k in range(10)]
        night.replace("silver.items", night.spark.createDataFrame(items, schema_of(CONTRACTS["silver.items"])))
    night.record("ops.decisions", [{"decision": "train", "outcome": "yes" if train else "no", "reason": "test"}])
    prepare(night, *[f"build_{table.removeprefix('gold.')}" for table in TABLES])


def described(night: Night) -> list[tuple[str, date]]:
    """Table and date of every snapshot that was described, in order."""
    if not night.lakehouse.exists("ops.snapshots"):
        return []
    rows = night.lakehouse.query('SELECT "table", as_of FROM s ORDER BY recorded_at', s="ops.snapshots").to_pylist()
    return [(row["table"], row["as_of"]) for row in rows]


def versioned(spark: SparkSession, domain: Domain, run_date: date, code: str = "v1") -> Night:
    night = night_of(spark, domain, run_date)
    return replace(night, settings=night.settings.model_copy(update={"code_version": code}))


def test_closed_snapshots_are_kept_until_a_late_event_lands_in_them(spark: SparkSession, home: Path) -> None:
    domain = write_domain(home, train=TRAIN)
    snapshot(versioned(spark, domain, FIRST), purchases(range(49)))
    cutoffs = domain.windows(50).cutoffs(THEN)

    assert set(cutoffs) - set(domain.windows(50).cutoffs(FIRST)) == {cutoffs[0]} == {FIRST}

    night = versioned(spark, domain, THEN)
    before = len(described(night))
    snapshot(night, purchases(range(56)))

    assert set(described(night)[before:]) == {(table, THEN) for table in TABLES}, (
        "the earlier night's date is a cutoff now"
    )

    before = len(described(night))
    late = (
        "late",
        "u1",
        "i9",
        "buy",
        moment(-1) + timedelta(days=(cutoffs[1] - date(2026, 1, 1)).days),
        1.0,
        None,
        "b",
    )
    snapshot(night, [*purchases(range(56)), late])

    assert {day for _, day in described(night)[before:]} == {THEN, cutoffs[0], cutoffs[1]}, (
        "the oldest cutoff lies before it"
    )

    needed = F.col("as_of").isin([THEN, *cutoffs])
    kept = {table: sorted(map(str, night.read(table).where(needed).collect())) for table in TABLES}
    snapshot(versioned(spark, domain, THEN, "v1-dirty"), [*purchases(range(56)), late])

    assert {table: content(night, table) for table in TABLES} == kept


def test_what_rests_on_events_alone_is_copied_and_a_changed_policy_concerns_histories_only(
    spark: SparkSession, home: Path
) -> None:
    domain, rows = write_domain(home, train=TRAIN), purchases(range(10))
    snapshot(versioned(spark, domain, date(2026, 2, 1)), rows, train=False)
    later = versioned(spark, domain, date(2026, 2, 2))
    snapshot(later, rows, train=False)
    for table in TABLES[2:]:
        assert {row.as_of for row in later.read(table).select("as_of").distinct().collect()} == {later.run_date}
    results = later.read("ops.quality_results").where(F.col("run_date") == F.lit(later.run_date))
    copied = results.where("expectation LIKE 'copied%'").select("table").collect()

    assert {row.table for row in copied} == set(TABLES[2:])

    before = len(described(later))
    domain = write_domain(home, train=TRAIN, rules={"already_seen": {"buy": "allow"}})
    snapshot(versioned(spark, domain, later.run_date), rows, train=False)

    assert described(later)[before:] == [("gold.user_histories", later.run_date)]


def test_other_ids_and_titles_are_described_again_although_all_counts_and_times_are_the_same(
    spark: SparkSession, home: Path
) -> None:
    """What an edited expression of the domain file leaves: as many rows, at the same times, with other content."""
    domain, rows = write_domain(home, train=TRAIN), purchases(range(10))
    night = versioned(spark, domain, date(2026, 2, 1))
    snapshot(night, rows, train=False)
    titles = night.read("silver.items").withColumn("title", F.upper("title")).persist()
    night.replace("silver.items", titles)

    snapshot(versioned(spark, domain, night.run_date), rows, train=False)

    assert {row.title for row in night.read("gold.item_features").collect()} == {f"ITEM {k}" for k in range(10)}

    renamed = [(key, user.upper(), *rest) for key, user, *rest in rows]
    snapshot(versioned(spark, domain, night.run_date), renamed, train=False)

    assert {row.user_id for row in night.read("gold.user_histories").collect()} == {f"U{k}" for k in range(12)}


def test_an_earlier_night_again_finds_its_snapshots_beside_a_later_ones(spark: SparkSession, home: Path) -> None:
    """It has nothing to make; what the later night described lies there too and must not matter."""
    domain, rows = write_domain(home), purchases(range(10))
    on_grid = next(day for day in (FIRST + timedelta(days=k) for k in range(7)) if domain.windows(50).on_grid(day))
    for day in (on_grid, on_grid + timedelta(days=1)):
        snapshot(versioned(spark, domain, day), rows, train=False)
    again = versioned(spark, domain, on_grid)
    before = len(described(again))
    snapshot(again, rows, train=False)

    assert described(again)[before:] == []
    assert again.read("gold.user_histories").where(F.col("as_of") == F.lit(on_grid)).count() == 12


def test_a_newcomer_has_an_empty_history_tonight_and_the_id_of_no_user(spark: SparkSession, home: Path) -> None:
    night = versioned(spark, write_domain(home, train=TRAIN, recommendations={"new_user_id": "anybody"}), FIRST)
    snapshot(night, purchases(range(30)))
    rows = night.for_job().read("gold.user_histories").where("user_id = 'anybody'").collect()

    assert [(row.as_of, row.item_ids, row.events_total) for row in rows] == [(FIRST, [], 0)]

    taken = versioned(spark, write_domain(home, train=TRAIN, recommendations={"new_user_id": "u3"}), FIRST)

    with pytest.raises(JobFailedError, match=r"recommendations\.new_user_id is u3, and a user has that id"):
        snapshot(taken, purchases(range(30)))


def test_a_source_that_is_off_is_not_fitted(spark: SparkSession, home: Path) -> None:
    night = versioned(spark, write_domain(home, train=TRAIN, sources={"als": 0, "ease": 0}), FIRST)
    snapshot(night, purchases(range(30)))

    assert not night.lakehouse.exists("gold.item_factors")

    learnt = {row.source for row in night.read("gold.item_neighbours").select("source").distinct().collect()}

    assert "item_to_item" in learnt
    assert "ease" not in learnt


def test_segments_follow_the_users_and_domains_without_users_have_none(spark: SparkSession, home: Path) -> None:
    rows, table = purchases(range(10)), "gold.segment_popularity"
    night = versioned(spark, write_domain(home, train=TRAIN), FIRST)
    snapshot(night, rows, train=False)
    prepare(night, "build_segment_popularity")

    assert not night.lakehouse.exists(table)
    assert table not in {row.table for row in night.read("ops.quality_results").select("table").distinct().collect()}

    users = {"path": "users.csv", "columns": {"user_id": "user", "attributes": "map('city', city)"}}
    night = versioned(spark, write_domain(home, train=TRAIN, users=users), FIRST)
    prepare(night, "build_segment_popularity")

    assert not night.lakehouse.exists(table), "no users have come yet"

    def segments(cities: str, night: Night) -> dict[str, int]:
        """Users by city: that of user n is named by letter n."""
        users = [(f"u{n}", {"city": city}, "b") for n, city in enumerate(cities)]
        night.replace("silver.users", spark.createDataFrame(users, schema_of(CONTRACTS["silver.users"])))
        prepare(night, "build_segment_popularity")
        tonight = night.read(table).where(F.col("as_of") == F.lit(night.run_date)).collect()
        assert all(len(row.item_ids) == len(row.departures) > 0 for row in tonight)
        return {row.value: row.users for row in tonight}

    assert segments("ABCABC", night) == {}, "too few of each: a warning, and the night goes on"
    # The last two have no events.
    assert segments("AAAAAABBBBBBAA", night) == {"A": 6, "B": 6}

    before = len(described(night))
    prepare(night, "build_segment_popularity")

    assert len(described(night)) == before, "nobody has moved"
    assert segments("AAAAABBBBBB", night) == {"A": 5, "B": 6}

    known = {row.user_id: row.attributes for row in users_as_of(night, FIRST).collect()}

    assert len(known) == 12
    assert (known["u4"], known["u5"], known["u11"]) == ({"city": "A"}, {"city": "B"}, None)


def test_a_large_log_is_spread_over_more_partitions_and_described_the_same(
    spark: SparkSession, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = write_domain(home)
    land(home, "days.csv", *(f"{k},u{k % 7},i{k * k % 11},buy,2026-01-{1 + k % 20:02}T10:00:00Z,5" for k in range(40)))
    night = versioned(spark, domain, date(2026, 1, 21))
    with monkeypatch.context() as patched:
        patched.setattr("spark_jobs.lakehouse.night.EVENTS_PER_PARTITION", 5)
        prepare(night)

    assert spark.conf.get("spark.sql.shuffle.partitions") == "8"

    described = {table: content(night, table) for table in ("silver.items", *TABLES)}
    again = versioned(spark, domain, night.run_date, "v2")
    prepare(again)

    assert spark.conf.get("spark.sql.shuffle.partitions") == "2"
    assert {table: content(again, table) for table in described} == described


def test_histories_hold_the_latest_events_in_order_and_items_are_told_by_them(spark: SparkSession, home: Path) -> None:
    domain = write_domain(
        home,
        rules={"already_seen": {"view": "allow", "buy": {"allow_after_days": 2}}},
        recommendations={"history_events": 3},
    )
    rows = [
        ("u", "a", "buy", "2026-01-01 00:00:00"),
        ("u", "b", "view", "2026-01-02 00:00:00"),
        ("u", "c", "buy", "2026-01-02 00:00:00"),
        ("u", "d", "return", "2026-01-03 12:00:00"),
        ("v", "a", "buy", "2026-01-09 00:00:00"),
    ]
    frame = spark.createDataFrame(rows, "user_id string, item_id string, event_type string, at string")
    night = night_of(spark, domain, "2026-01-05")
    frame = frame.selectExpr(
        "*", "timestamp(at) AS event_at", "CASE event_type WHEN 'buy' THEN 1.0D ELSE 0.1D END AS weight"
    )
    days = [date(2026, 1, 4), night.run_date]
    found = {(row.user_id, row.as_of): row for row in histories_as_of(frame, domain, days).collect()}

    assert set(found) == {("u", days[0]), ("u", days[1])}, "v has no events before either date"

    early, late = found["u", days[0]], found["u", days[1]]

    # Of two events at one time the one with the smaller item id counts as the newer.
    assert late.item_ids == ["c", "b", "d"]
    assert late.ages_days == [3.0, 3.0, 1.5]
    assert late.repeated == [False] * 3
    assert (late.events_total, late.tenure_days) == (4, 4.0)
    # A purchase of two days ago may come back, one of less may not; a return never does.
    assert late.blocked_item_ids == ["d"]
    assert early.blocked_item_ids == ["d"]
    assert early.ages_days == [2.0, 2.0, 0.5]

    items = {(row.item_id, row.as_of): row for row in popularity_in(histories_as_of(frame, domain, days)).collect()}

    # What a history no longer holds does not count, but a place does.
    assert {item for item, day in items if day == days[1]} == {"b", "c", "d"}
    assert [round(exp(items[item, days[1]].usual_position)) for item in "cbd"] == [2, 3, 4]

    b, c, d = (items[item, days[1]] for item in "bcd")

    assert c.popularity_all == pytest.approx(1 / 1.2)
    assert (b.age_days, c.age_days, d.age_days) == (3.0, 3.0, 1.5)
    assert d.returning_popularity > 0 == b.returning_popularity, "b came a day after the user's first event, not later"
    assert d.popularity_7d / b.popularity_7d == pytest.approx(0.5 ** (-1.5 / 7))
    assert c.mean_weight == 1.0


def test_items_are_told_by_how_often_users_come_back_for_them(spark: SparkSession, home: Path) -> None:
    domain = write_domain(home)
    night_of(spark, domain, "2026-01-05")  # whose time zone is Spark's
    rows = [
        *(("u", "milk", at) for at in ("2026-01-01 08:00:00", "2026-01-01 18:00:00", "2026-01-03 08:00:00")),
        ("v", "milk", "2026-01-02 08:00:00"),
        ("v", "lamp", "2026-01-03 08:00:00"),
    ]
    frame = spark.createDataFrame(rows, "user_id string, item_id string, at string").selectExpr(
        "*", "timestamp(at) AS event_at", "'buy' AS event_type", "1.0D AS weight"
    )
    items = popularity_in(histories_as_of(frame, domain, [date(2026, 1, 5)])).collect()

    # Twice on a day is once; what another user had before does not count.
    assert {row.item_id: row.repeat_share for row in items} == {"milk": 0.25, "lamp": 0.0}
