"""Files as they land become bronze, each once, whatever they are called and hold."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark_jobs.contracts.settings import load_settings
from spark_jobs.landing.files import LandingFileError, csv_columns
from spark_jobs.prepare.clean_interactions import run as clean
from spark_jobs.prepare.clean_items import run as clean_items
from spark_jobs.prepare.ingest_landing_files import run as ingest
from spark_jobs.runner.run import JobFailedError
from tests.nights import LANDING, SHOP, land, night_of, prepare, write_domain

LENIENT = {"max_refused_share": 1.0}
GOOD = "1,u1,a,buy,2026-01-01T10:00:00Z,5"


def test_files_are_ingested_once_late_and_repeated_events_find_their_place(spark: SparkSession, home: Path) -> None:
    domain = write_domain(home)
    land(home, "day1.csv", GOOD, "2,u2,b,buy,2026-01-01T12:00:00Z,1")
    night = night_of(spark, domain, "2026-01-02")
    ingest(night)
    clean(night)
    ingest(night)
    clean(night)

    assert night.read("bronze.interactions").count() == 2

    land(home, "day2.csv", GOOD, "0,u9,c,view,2025-12-31T23:00:00Z,1")
    later = night_of(spark, domain, "2026-01-03")
    ingest(later)
    clean(later)

    assert later.read("silver.interactions").count() == 3

    balances = {row.batch_id[:10]: row for row in later.read("ops.batches").collect()}

    assert balances["2026-01-03"].duplicates == 1
    assert balances["2026-01-03"].kept == 1


def test_a_file_that_may_still_be_written_waits_for_the_next_night(
    spark: SparkSession, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    domain = write_domain(home, quality={"settle_minutes": 30})
    os.utime(land(home, "day1.csv", GOOD), (1_700_000_000, 1_700_000_000))
    half = land(home, "day2.csv", "2,u2,b,buy,2026-01-01T12:0")
    ingest(night_of(spark, domain, "2026-01-02"))

    assert (
        "left for the next night, as they may still be written (quality.settle_minutes): shop/day2.csv" in caplog.text
    )

    half.write_text(half.read_text().rstrip() + "0:00Z,1\n")
    os.utime(half, (1_700_000_100, 1_700_000_100))
    later = night_of(spark, domain, "2026-01-03")
    ingest(later)

    assert sorted(row.record["at"] for row in later.read("bronze.interactions").collect()) == [
        "2026-01-01T10:00:00Z",
        "2026-01-01T12:00:00Z",
    ]


def test_file_names_and_headers_are_read_as_they_are(spark: SparkSession, home: Path) -> None:
    columns = {
        "user_id": "who",
        "item_id": "`what, exactly`",
        "event_type": "kind",
        "event_at": "try_to_timestamp(at)",
    }
    source = {
        "path": "shop/*.csv",
        "format": {"type": "csv", "multiline": True},
        "columns": columns,
        "event_key": ["id"],
    }
    domain = write_domain(home, interactions=source, items={"from_interactions": {"title": "note"}})
    header = 'id,who,"what, exactly",kind,at,"a ""note"\n'
    rows = ('1,u1,a,buy,2026-01-01T10:00:00Z,"two\nlines"', "2,u2,b,buy,2026-01-01T10:00:00Z,one")
    land(home, "a+b c%20d.csv", *rows, header=header.replace('"a ""note"', "note"))
    night = night_of(spark, domain, "2026-01-02")
    ingest(night)
    clean(night)
    clean_items(night)

    assert {row.delivery for row in night.read("bronze.interactions").collect()} == {"shop/a+b c%20d.csv"}
    assert {row.item_id: row.title for row in night.read("silver.items").collect()} == {"a": "two\nlines", "b": "one"}

    quoted = land(home, "quoted.csv", header=header)

    assert csv_columns(str(quoted), domain.interactions.format)[2:] == ("what, exactly", "kind", "at", 'a "note')


def test_a_relative_landing_folder_works(spark: SparkSession, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    monkeypatch.setenv("NIGHTJAR_LANDING_DIR", "landing")
    night = night_of(spark, write_domain(home), "2026-01-02")
    land(home, "day1.csv", GOOD)
    ingest(night)

    assert [row.delivery for row in night.read("bronze.interactions").collect()] == ["shop/day1.csv"]


def test_files_with_other_columns_and_other_formats_are_read_alike(spark: SparkSession, home: Path) -> None:
    domain = write_domain(home)
    land(home, "a.csv", GOOD)
    land(home, "b.csv", "buy,b,u2,2,2026-01-01T10:00:00Z", header="kind,what,who,id,at\n")
    night = night_of(spark, domain, "2026-01-02")
    ingest(night)
    clean(night)

    assert {(r.user_id, r.item_id) for r in night.read("silver.interactions").collect()} == {("u1", "a"), ("u2", "b")}


def test_json_lines_keep_nested_values_and_garbage(spark: SparkSession, home: Path) -> None:
    source = {
        "path": "shop/*.jsonl",
        "format": {"type": "json"},
        "columns": {
            "user_id": "get_json_object(user, '$.id')",
            "item_id": "what",
            "event_type": "'buy'",
            "event_at": "timestamp_millis(try_cast(at AS BIGINT))",
        },
    }
    domain = write_domain(home, interactions=source, items={"from_interactions": {"title": "what"}}, quality=LENIENT)
    land(home, "x.jsonl", '{"user":{"id":7},"what":"a","at":1767261600000}', "garbage", header="")
    night = night_of(spark, domain, "2026-01-05")
    ingest(night)
    clean(night)

    assert [row.user_id for row in night.read("silver.interactions").collect()] == ["7"]
    assert [row.corrupt for row in night.read("quarantine.interactions").collect()] == ["garbage"]


def test_no_landing_files_is_an_error_that_names_the_place(spark: SparkSession, home: Path) -> None:
    with pytest.raises(LandingFileError, match=r"No landing files match .*shop/\*\.csv"):
        ingest(night_of(spark, write_domain(home), "2026-01-02"))


def test_empty_files_are_named_and_a_delivery_of_nothing_else_stops_the_night(spark: SparkSession, home: Path) -> None:
    domain = write_domain(home)
    land(home, "day1.csv")
    land(home, "nothing.csv", header="")

    with pytest.raises(JobFailedError, match=r"All 2 new landing files .*shop/day1\.csv, shop/nothing\.csv") as caught:
        prepare(night_of(spark, domain, "2026-01-02"), *LANDING)
    assert not caught.value.retry

    full = land(home, "part.csv", GOOD)
    for file in full.parent.iterdir():
        os.utime(file, (1_700_000_000, 1_700_000_000))
    night = night_of(spark, domain, "2026-01-02")
    for _ in range(2):
        prepare(night, *LANDING)
    named = night.read("ops.quality_results").where("expectation = 'landing files hold records'").collect()

    assert {(row.severity, row.examples) for row in named} == {
        ("critical", "shop/day1.csv, shop/nothing.csv"),
        ("warning", "shop/day1.csv, shop/nothing.csv"),
    }

    # A header alone is a day without events.
    quiet = land(home, "day2.csv")
    prepare(night_of(spark, domain, "2026-01-03"), *LANDING)
    quiet.unlink()
    land(home, "day3.csv", header="")

    with pytest.raises(JobFailedError, match=r"are empty: shop/day1\.csv, shop/day3\.csv, shop/nothing\.csv"):
        prepare(night_of(spark, domain, "2026-01-04"), *LANDING)


def test_a_gate_that_changed_checks_bronze_again_although_nothing_came(
    spark: SparkSession, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = write_domain(home)
    land(home, "day1.csv", GOOD)
    prepare(night_of(spark, domain, "2026-01-02"), *LANDING)
    suites = shutil.copytree(load_settings().expectations_dir, home / "suites")
    monkeypatch.setenv("NIGHTJAR_EXPECTATIONS_DIR", str(suites))
    suite = suites / "bronze.interactions.json"
    suite.write_text(suite.read_text() + "\n")
    night = night_of(spark, domain, "2026-01-02")
    checks = night.read("ops.quality_results").where("table = 'bronze.interactions'").count()
    prepare(night, *LANDING)

    assert night.read("ops.quality_results").where("table = 'bronze.interactions'").count() == 2 * checks


def test_a_silent_source_stops_the_night(spark: SparkSession, home: Path) -> None:
    domain = write_domain(home)
    land(home, "day1.csv", GOOD, "2,u1,b,buy,2027-01-01T10:00:00Z,5")
    prepare(night_of(spark, domain, "2026-01-08"), *LANDING)
    night = night_of(spark, domain, "2026-01-09")

    with pytest.raises(JobFailedError, match=r"newest event is of 2026-01-01 10:00 UTC .*allows 7 days") as caught:
        prepare(night, *LANDING)
    assert not caught.value.retry

    closed = write_domain(home, quality={"max_age_days": None})
    prepare(night_of(spark, closed, "2026-06-01"), *LANDING)


def test_a_column_that_json_leaves_out_tonight_is_null(spark: SparkSession, home: Path) -> None:
    columns = {"user_id": "u", "item_id": "i", "event_type": "'buy'", "event_at": "try_to_timestamp(at)", "value": "p"}
    source = {"path": "shop/*.jsonl", "format": {"type": "json"}, "columns": columns}
    domain = write_domain(home, interactions=source, items={"from_interactions": {"title": "name"}})
    record = '{"u":"1","i":"a","at":"2026-01-01T10:00:00Z","p":5,"name":"A"}'
    land(home, "1.jsonl", record, header="")
    prepare(night_of(spark, domain, "2026-01-02"), *LANDING)
    land(home, "2.jsonl", '{"u":"1","i":"b","at":"2026-01-02T10:00:00Z","name":"B"}', header="")
    night = night_of(spark, domain, "2026-01-03")
    prepare(night, *LANDING)

    assert {row.item_id: row.value for row in night.read("silver.interactions").collect()} == {"a": 5.0, "b": None}

    misspelt = source | {"columns": columns | {"value": "prise"}}
    night = night_of(spark, write_domain(home, interactions=misspelt), "2026-01-03")

    with pytest.raises(JobFailedError, match=r"value: .*prise.*check-domain") as caught:
        prepare(night, *LANDING)
    assert not caught.value.retry


def test_what_a_backfill_ingests_is_not_dated_into_the_past(spark: SparkSession, home: Path) -> None:
    items = {"path": "shop/items-*.csv", "columns": {"item_id": "id", "title": "title"}}
    domain = write_domain(home, items=items, interactions=SHOP["interactions"] | {"path": "shop/day*.csv"})
    land(home, "day1.csv", GOOD)
    for name, title, changed in (("1", "Old", date(2026, 1, 1)), ("2", "New", date(2026, 3, 1))):
        file = land(home, f"items-{name}.csv", f"a,{title}", header="id,title\n")
        at = datetime.combine(changed, time(12), UTC).timestamp()
        os.utime(file, (at, at))
        # The second night runs for a date before the file was there.
        night = night_of(spark, domain, "2026-01-05")
        prepare(night, *LANDING)
    versions = {row.title: str(row.valid_from)[:10] for row in night.read("silver.items").collect()}

    assert versions == {"Old": "1970-01-01", "New": "2026-03-01"}


def test_a_changed_file_is_read_again(spark: SparkSession, home: Path) -> None:
    domain = write_domain(home)
    path = land(home, "day1.csv", GOOD)
    night = night_of(spark, domain, "2026-01-02")
    ingest(night)
    path.write_text(path.read_text() + "2,u2,b,buy,2026-01-01T12:00:00Z,1\n")
    os.utime(path, (2_000_000_000, 2_000_000_000))
    ingest(night)
    clean(night)

    assert night.read("silver.interactions").count() == 2
