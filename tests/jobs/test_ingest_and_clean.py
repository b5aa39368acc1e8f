"""From landing files to silver: nothing vanishes, nothing is doubled, everything refused says why."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark_jobs.clean.clean_interactions import run as clean
from spark_jobs.clean.clean_items import run as clean_items
from spark_jobs.ingest.ingest_landing_files import batch_id
from spark_jobs.ingest.ingest_landing_files import run as ingest
from spark_jobs.landing.files import LandingFileError, csv_columns, list_files
from spark_jobs.runner.run import JobFailedError
from spark_jobs.snapshot.build_item_features import catalogue_as_of
from tests.nights import content, land, night_of, run_stages, write_domain

GOOD = "1,u1,a,buy,2026-01-01T10:00:00Z,5"


def test_dirty_rows_are_quarantined_with_reasons_and_the_counts_balance(spark: SparkSession, home: Path) -> None:
    domain = write_domain(home)
    land(
        home,
        "day1.csv",
        GOOD,
        "2,,a,buy,2026-01-01T10:00:00Z,5",
        "3,u1,a,steal,2026-01-01T10:00:00Z,5",
        "4,u1,a,buy,yesterday,5",
        "5,u1,a,buy,2026-01-01T10:00:00Z,5,extra,columns",
        GOOD,
        "6,u2,b,view,2026-01-01T11:00:00+01:00,not a number",
    )
    night = night_of(spark, domain, "2026-01-05")
    run_stages(night, "ingest")
    clean(night)
    kept = {row.event_key: row for row in night.read("silver.interactions").collect()}
    assert set(kept) == {"1", "6"}
    assert str(kept["6"].event_at) == "2026-01-01 10:00:00"
    assert kept["6"].value is None
    refused = {(row.rule, row.record["id"]): row.reason for row in night.read("quarantine.interactions").collect()}
    assert set(refused) == {
        ("user_id_required", "2"),
        ("event_type_known", "3"),
        ("event_at_required", "4"),
        ("parsed", "5"),
    }
    assert "expected one of buy, view, return, got steal" in refused["event_type_known", "3"]
    balance = night.read("ops.batches").collect()[0]
    assert (balance.received, balance.kept, balance.quarantined, balance.duplicates) == (7, 2, 4, 1)


def test_one_malformed_value_is_quarantined_and_stops_nothing(spark: SparkSession, home: Path) -> None:
    """Also where the domain file trusts its source and casts nothing itself."""
    columns = {"user_id": "who", "item_id": "what", "event_type": "kind", "event_at": "at", "value": "price"}
    domain = write_domain(home, interactions={"path": "shop/*.csv", "columns": columns, "event_key": ["id"]})
    land(home, "day1.csv", GOOD, "2,u1,b,buy,the day before,5", "3,u1,c,buy,2026-01-01T10:00:00Z,a lot")
    night = night_of(spark, domain, "2026-01-05")
    ingest(night)
    clean(night)
    assert {row.event_key: row.value for row in night.read("silver.interactions").collect()} == {"1": 5.0, "3": None}
    refused = night.read("quarantine.interactions").collect()
    assert [(row.rule, row.record["id"]) for row in refused] == [("event_at_required", "2")]


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


def test_a_clean_killed_after_its_merge_can_be_repeated(spark: SparkSession, home: Path) -> None:
    domain = write_domain(home)
    land(home, "day1.csv", GOOD, GOOD, "2,,a,buy,2026-01-01T10:00:00Z,5")
    night = night_of(spark, domain, "2026-01-02")
    ingest(night)
    clean(night)
    before = {t: content(night, t) for t in ("silver.interactions", "quarantine.interactions")}
    # The ledger row is written last: taking it away is the state a kill leaves behind.
    night.replace("ops.batches", night.read("ops.batches").where("false"))
    clean(night)
    assert {t: content(night, t) for t in before} == before
    balance = night.read("ops.batches").collect()[0]
    assert (balance.received, balance.kept, balance.quarantined, balance.duplicates) == (3, 1, 1, 1)


def test_a_clean_killed_before_its_ledger_and_a_batch_that_delivers_again_balance(
    spark: SparkSession, home: Path
) -> None:
    """Whichever of the two batches comes first by name."""
    domain = write_domain(home)
    first, night = land(home, "day1.csv", GOOD), night_of(spark, domain, "2026-01-02")
    ingest(night)
    clean(night)
    night.replace("ops.batches", night.read("ops.batches").where("false"))
    again = land(home, "day2.csv", GOOD, "2,u2,b,buy,2026-01-01T12:00:00Z,1")
    names = {file.name: batch_id(night, [file]) for file in list_files(night.settings.landing, "shop/*.csv")}
    seconds = 1_700_000_000
    while names[f"shop/{again.name}"] > names[f"shop/{first.name}"]:
        seconds += 1
        os.utime(again, (seconds, seconds))
        file = next(file for file in list_files(night.settings.landing, "shop/*.csv") if file.name.endswith(again.name))
        names[file.name] = batch_id(night, [file])
    ingest(night)
    clean(night)
    balances = {row.batch_id: row for row in night.read("ops.batches").collect()}
    kept = {name: balances[batch].kept for name, batch in names.items()}
    assert kept == {f"shop/{first.name}": 1, f"shop/{again.name}": 1}
    assert balances[names[f"shop/{again.name}"]].duplicates == 1


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
    assert {row.source_file for row in night.read("bronze.interactions").collect()} == {"shop/a+b c%20d.csv"}
    assert {row.item_id: row.title for row in night.read("silver.items").collect()} == {"a": "two\nlines", "b": "one"}
    quoted = land(home, "quoted.csv", header=header)
    assert csv_columns(str(quoted), domain.interactions.format)[2:] == ("what, exactly", "kind", "at", 'a "note')


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
    domain = write_domain(home, interactions=source, items={"from_interactions": {"title": "what"}})
    land(home, "x.jsonl", '{"user":{"id":7},"what":"a","at":1767261600000}', "garbage", header="")
    night = night_of(spark, domain, "2026-01-05")
    ingest(night)
    clean(night)
    assert [row.user_id for row in night.read("silver.interactions").collect()] == ["7"]
    assert [row.corrupt for row in night.read("quarantine.interactions").collect()] == ["garbage"]


def test_no_landing_files_is_an_error_that_names_the_place(spark: SparkSession, home: Path) -> None:
    with pytest.raises(LandingFileError, match=r"No landing files match .*shop/\*\.csv"):
        ingest(night_of(spark, write_domain(home), "2026-01-02"))


def test_an_empty_file_fails_the_gate(spark: SparkSession, home: Path) -> None:
    domain = write_domain(home)
    land(home, "day1.csv")
    with pytest.raises(JobFailedError, match=r"bronze\.interactions .*the table holds rows") as caught:
        run_stages(night_of(spark, domain, "2026-01-02"), "ingest")
    assert caught.value.final


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


def test_an_item_keeps_its_history(spark: SparkSession, home: Path) -> None:
    items = {
        "path": "shop/items-*.csv",
        "columns": {
            "item_id": "id",
            "title": "title",
            "categories": "split(cats, '/')",
            "available_until": "try_to_timestamp(gone)",
            "updated_at": "try_to_timestamp(since)",
        },
    }
    domain = write_domain(home, items=items)
    header = "id,title,cats,gone,since\n"
    land(home, "items-1.csv", "a,Old,x/y,,2026-01-01", "b,Bee,,,2026-01-01", ",None,,,", header=header)
    night = night_of(spark, domain, "2026-01-02")
    land(home, "day1.csv", GOOD)
    ingest(night)
    clean_items(night)
    land(home, "items-2.csv", "a,New,x/y,2026-02-01,2026-01-10", "b,Bee,,,2026-01-12", header=header)
    ingest(night)
    clean_items(night)
    titles = {(r.item_id, str(r.valid_from)[:10]): r.title for r in night.read("silver.items").collect()}
    assert titles == {("a", "2026-01-01"): "Old", ("a", "2026-01-10"): "New", ("b", "2026-01-01"): "Bee"}
    moments = "SELECT DATE'2026-01-05' AS as_of, TIMESTAMP'2026-01-05' AS as_of_at UNION ALL "
    moments += "SELECT DATE'2026-02-02', TIMESTAMP'2026-02-02'"
    described = catalogue_as_of(night.read("silver.items"), spark.sql(moments)).collect()
    assert {(str(r.as_of), r.item_id): (r.title, r.eligible) for r in described} == {
        ("2026-01-05", "a"): ("Old", True),
        ("2026-01-05", "b"): ("Bee", True),
        ("2026-02-02", "a"): ("New", False),
        ("2026-02-02", "b"): ("Bee", True),
    }
    assert night.read("quarantine.items").count() == 1
    assert all(r.received == r.kept + r.quarantined + r.duplicates for r in night.read("ops.batches").collect())


def test_wall_clock_times_are_times_of_the_domain(spark: SparkSession, home: Path) -> None:
    domain = write_domain(home, time_zone="America/New_York", items={"from_interactions": {}})
    land(home, "day1.csv", "1,u1,a,buy,2026-01-01 23:30:00,5", "2,u1,b,buy,2026-01-02 00:30:00,5")
    night = night_of(spark, domain, "2026-01-02")
    ingest(night)
    clean(night)
    clean_items(night)
    events = night.read("silver.interactions")
    seconds = {row.event_key: row.s for row in events.selectExpr("event_key", "unix_seconds(event_at) AS s").collect()}
    assert seconds["1"] < night.as_of.timestamp() < seconds["2"]
    assert {row.title for row in night.read("silver.items").collect()} == {"a", "b"}
