"""Records become silver or go to quarantine with their reasons, and nothing is lost."""

from __future__ import annotations

import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from spark_jobs.cli.check_domain import check_domain
from spark_jobs.contracts.storage import landing_location
from spark_jobs.lakehouse.night import Night
from spark_jobs.landing.listing import list_files
from spark_jobs.prepare.clean_interactions import run as clean
from spark_jobs.prepare.clean_items import run as clean_items
from spark_jobs.prepare.ingest_landing_files import batch_id
from spark_jobs.prepare.ingest_landing_files import run as ingest
from spark_jobs.recommender.catalogue import catalogue_as_of
from spark_jobs.runner.run import JobFailedError
from tests.nights import LANDING, SHOP, content, land, night_of, prepare, write_domain

LENIENT = {"max_refused_share": 1.0}
GOOD = "1,u1,a,buy,2026-01-01T10:00:00Z,5"
GARBAGE = [f"{n},,,what is this,,{n}" for n in range(40)]


def test_dirty_rows_are_quarantined_with_reasons_and_the_counts_add_up(spark: SparkSession, home: Path) -> None:
    domain = write_domain(home, quality=LENIENT)
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
    prepare(night, *LANDING)
    clean(night)
    kept = {row.event_key: row for row in night.read("silver.interactions").collect()}

    assert set(kept) == {"1", "6"}
    assert str(kept["6"].event_at) == "2026-01-01 10:00:00"
    assert kept["6"].value is None

    refused = {
        (row.failed_check, row.record["id"]): row.reason for row in night.read("quarantine.interactions").collect()
    }

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
    source = {"path": "shop/*.csv", "columns": columns, "event_key": ["id"]}
    domain = write_domain(home, interactions=source, quality=LENIENT)
    land(home, "day1.csv", GOOD, "2,u1,b,buy,the day before,5", "3,u1,c,buy,2026-01-01T10:00:00Z,a lot")
    night = night_of(spark, domain, "2026-01-05")
    ingest(night)
    clean(night)

    assert {row.event_key: row.value for row in night.read("silver.interactions").collect()} == {"1": 5.0, "3": None}

    refused = night.read("quarantine.interactions").collect()

    assert [(row.failed_check, row.record["id"]) for row in refused] == [("event_at_required", "2")]


def test_a_clean_killed_after_its_merge_can_be_repeated(spark: SparkSession, home: Path) -> None:
    domain = write_domain(home, quality=LENIENT)
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


def test_a_clean_killed_before_its_ledger_and_a_batch_that_delivers_again_reconcile_counts(
    spark: SparkSession, home: Path
) -> None:
    """Whichever of the two batches comes first by name."""
    domain = write_domain(home)
    first, night = land(home, "day1.csv", GOOD), night_of(spark, domain, "2026-01-02")
    ingest(night)
    clean(night)
    night.replace("ops.batches", night.read("ops.batches").where("false"))
    again = land(home, "day2.csv", GOOD, "2,u2,b,buy,2026-01-01T12:00:00Z,1")
    names = {file.name: batch_id(night, [file]) for file in list_files(landing_location(night.settings), "shop/*.csv")}
    seconds = 1_700_000_000
    while names[f"shop/{again.name}"] > names[f"shop/{first.name}"]:
        seconds += 1
        os.utime(again, (seconds, seconds))
        file = next(
            file
            for file in list_files(landing_location(night.settings), "shop/*.csv")
            if file.name.endswith(again.name)
        )
        names[file.name] = batch_id(night, [file])
    ingest(night)
    clean(night)
    balances = {row.batch_id: row for row in night.read("ops.batches").collect()}
    kept = {name: balances[batch].kept for name, batch in names.items()}

    assert kept == {f"shop/{first.name}": 1, f"shop/{again.name}": 1}
    assert balances[names[f"shop/{again.name}"]].duplicates == 1


def test_after_many_good_nights_a_garbage_batch_is_refused_until_it_is_delivered_again(
    spark: SparkSession, home: Path
) -> None:
    domain = write_domain(home)
    land(home, "good.csv", *[f"{n},u{n},a,buy,2026-01-01T10:00:00Z,5" for n in range(1_000)])
    prepare(night_of(spark, domain, "2026-01-02"), *LANDING)
    # Most of the batch is good: one of its files is not.
    land(home, "more.csv", *[f"{n},u{n},b,buy,2026-01-02T10:00:00Z,5" for n in range(2_000, 2_300)])
    garbage = land(home, "garbage.csv", *GARBAGE)
    night = night_of(spark, domain, "2026-01-03")
    for _ in range(2):
        with pytest.raises(JobFailedError, match=r"40 of 340 .*shop/garbage\.csv 40 of 40.*user_id_required") as caught:
            prepare(night, *LANDING)
        assert not caught.value.retry

    assert night.read("silver.interactions").count() == 1_000
    assert night.read("quarantine.interactions").count() == 40
    assert night.read("ops.batches").where("refused LIKE '%40 of 340%'").count() >= 2

    # Delivered again it is clean, and nothing of either is lost.
    land(home, "garbage.csv", *[f"{n},u{n},c,buy,2026-01-02T10:00:00Z,5" for n in range(3_000, 3_040)])
    os.utime(garbage, (2_000_000_000, 2_000_000_000))
    prepare(night, *LANDING)

    assert night.read("silver.interactions").count() == 1_340

    taken = night.read("ops.batches").where("refused IS NULL AND table = 'interactions'").collect()

    assert sorted(row.kept for row in taken) == [40, 300, 1_000]


def test_a_changed_date_format_is_refused_and_the_corrected_domain_file_takes_it(
    spark: SparkSession, home: Path
) -> None:
    domain = write_domain(home)
    land(home, "day1.csv", GOOD)
    prepare(night_of(spark, domain, "2026-01-02"), *LANDING)
    land(home, "day2.csv", *[f"{n},u{n},b,buy,02.01.2026 10:00,5" for n in range(20, 40)])

    with pytest.raises(JobFailedError, match=r"20 of 20 .*event_at_required"):
        prepare(night_of(spark, domain, "2026-01-03"), *LANDING)

    columns = SHOP["interactions"]["columns"] | {
        "event_at": "coalesce(try_to_timestamp(at), try_to_timestamp(at, 'dd.MM.yyyy HH:mm'))"
    }
    corrected = write_domain(home, interactions=SHOP["interactions"] | {"columns": columns})
    night = night_of(spark, corrected, "2026-01-03")
    prepare(night, *LANDING)

    assert night.read("silver.interactions").count() == 21
    assert night.read("quarantine.interactions").count() == 0


def test_an_edited_domain_file_cleans_everything_again(
    spark: SparkSession, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    domain = write_domain(home, quality=LENIENT)
    land(home, "day1.csv", GOOD, "2,u2,a,steal,2026-01-01T11:00:00Z,5")
    prepare(night_of(spark, domain, "2026-01-02"), *LANDING)
    land(home, "day2.csv", "3,u3,b,view,2026-01-02T11:00:00Z,5", GOOD)
    prepare(night_of(spark, domain, "2026-01-03"), *LANDING)
    before = night_of(spark, domain, "2026-01-03").lakehouse.version("silver.interactions")
    prepare(night_of(spark, domain, "2026-01-03"), *LANDING)

    assert night_of(spark, domain, "2026-01-03").lakehouse.version("silver.interactions") == before
    assert "cleaned again" not in caplog.text

    weights = SHOP["event_weights"] | {"buy": 2.0, "steal": -3.0}
    night = night_of(spark, write_domain(home, quality=LENIENT, event_weights=weights), "2026-01-03")
    report = check_domain(home / "conf" / "shop.yaml", night.settings)

    assert any("cleans silver.interactions again from bronze, 2 batches" in line for line in report.warnings)

    prepare(night, *LANDING)

    assert "silver.interactions is cleaned again from all 2 batches" in caplog.text

    rows = {row.event_key: (row.weight, row.batch_id[:10]) for row in night.read("silver.interactions").collect()}

    assert rows == {"1": (2.0, "2026-01-02"), "2": (-3.0, "2026-01-02"), "3": (0.1, "2026-01-03")}
    assert night.read("quarantine.interactions").count() == 0

    balances = night.read("ops.batches").where("table = 'interactions'").collect()
    last = {row.batch_id[:10]: row for row in sorted(balances, key=lambda row: row.recorded_at)}

    assert [(row.received, row.kept, row.duplicates) for _, row in sorted(last.items())] == [(2, 2, 0), (2, 1, 1)]

    # As it would be had it always been so.
    fresh = home / "fresh"
    shutil.copytree(home / "landing", fresh / "landing")
    other = Night(night.settings.model_copy(update={"home": fresh}), night.domain, night.run_date, spark=spark)
    prepare(other, *LANDING)

    assert content(other, "silver.interactions", "batch_id") == content(night, "silver.interactions", "batch_id")


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("(SELECT max(value) FROM text.`{secret}`)", "a subquery"),
        ("CASE WHEN EXISTS (SELECT 1 FROM text.`{secret}`) THEN what END", "a subquery"),
        ("reflect('java.lang.System', 'getenv', 'PATH')", "the function reflect"),
        ("concat(what, java_method('java.lang.System', 'getenv', 'PATH'))", "the function java_method"),
        ("input_file_name()", "the function input_file_name"),
        ("concat(what, now())", "the function now"),
        ("concat(what, current_timestamp)", "current_timestamp, which is another on every night,"),
        ("max(what)", "the function max"),
        ("first_value(what) over ()", "WindowExpression"),
    ],
)
def test_an_expression_can_not_reach_out_of_its_record(spark: SparkSession, home: Path, sql: str, words: str) -> None:
    (home / "secret").write_text("the secret")
    columns = SHOP["interactions"]["columns"] | {"item_id": sql.format(secret=home / "secret")}
    domain = write_domain(home, interactions=SHOP["interactions"] | {"columns": columns})
    land(home, "day1.csv", GOOD)
    night = night_of(spark, domain, "2026-01-02")

    with pytest.raises(JobFailedError, match=rf"{re.escape(words)} (.as Spark calls it. )?is not allowed") as caught:
        prepare(night, *LANDING)
    assert not caught.value.retry

    report = check_domain(home / "conf" / "shop.yaml", night.settings)

    assert any("interactions.columns.item_id" in line and words in line for line in report.problems)
    assert "the secret" not in str(report)


def test_the_hour_that_autumn_repeats_is_two_hours(spark: SparkSession, home: Path) -> None:
    """In Parquet timestamps, and in event keys that the domain file does not define."""
    columns = {"user_id": "u", "item_id": "i", "event_type": "'buy'", "event_at": "at"}
    source = {"path": "shop/*.parquet", "format": {"type": "parquet"}, "columns": columns}
    domain = write_domain(
        home, time_zone="Europe/London", interactions=source, items={"from_interactions": {"title": "i"}}
    )
    moments = [datetime(2025, 10, 26, hour, 30, tzinfo=UTC) for hour in (0, 1)]
    (home / "landing" / "shop").mkdir(parents=True)
    table = pa.table({"u": ["1", "1"], "i": ["a", "a"], "at": pa.array(moments, pa.timestamp("us", "UTC"))})
    pq.write_table(table, home / "landing" / "shop" / "1.parquet")
    night = night_of(spark, domain, "2025-10-27")
    prepare(night, *LANDING)
    found = night.read("silver.interactions").selectExpr("unix_seconds(event_at) AS s").collect()

    assert sorted(row.s for row in found) == [moment.timestamp() for moment in moments]


def test_a_parquet_file_that_spark_does_not_read_is_named(spark: SparkSession, home: Path) -> None:
    columns = {"user_id": "u", "item_id": "i", "event_type": "'buy'", "event_at": "at"}
    source = {"path": "shop/*.parquet", "format": {"type": "parquet"}, "columns": columns}
    domain = write_domain(home, interactions=source, items={"from_interactions": {"title": "i"}})
    file, moment = home / "landing" / "shop" / "1.parquet", datetime(2025, 10, 26, tzinfo=UTC)
    file.parent.mkdir(parents=True)
    night = night_of(spark, domain, "2025-10-27")
    # What pandas writes unless told otherwise.
    pq.write_table(pa.table({"u": ["1"], "i": ["a"], "at": pa.array([moment], pa.timestamp("ns", "UTC"))}), file)

    with pytest.raises(JobFailedError, match=r"1\.parquet: Spark reads no times in nanoseconds, which at has"):
        prepare(night, *LANDING)

    file.write_text("u,i,at")

    with pytest.raises(JobFailedError, match=r"1\.parquet: not a readable Parquet file"):
        prepare(night, *LANDING)


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
    domain = write_domain(home, items=items, quality=LENIENT)
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


def test_an_item_that_left_a_complete_catalogue_is_not_offered_and_comes_back(spark: SparkSession, home: Path) -> None:
    items = {"path": "shop/i/*.csv", "columns": {"item_id": "sku", "title": "name"}, "complete": True}
    domain = write_domain(home, items=items, quality={"max_age_days": None})
    land(home, "a.csv", GOOD)
    catalogues = {"2026-03-01": "ab", "2026-03-02": "a", "2026-03-03": "a", "2026-03-04": "ab"}
    for day, names in catalogues.items():
        noon = datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp() - 86_400
        (home / "landing" / "shop" / "i").mkdir(exist_ok=True)
        path = land(home, f"i/{day}.csv", *[f"{name},{name.upper()}" for name in names], header="sku,name\n")
        os.utime(path, (noon, noon))
        prepare(night_of(spark, domain, day), *LANDING)
    night = night_of(spark, domain, "2026-03-04")
    moments = spark.createDataFrame([(day, f"{day} 06:00:00") for day in catalogues], "as_of string, at string")
    described = catalogue_as_of(
        night.read("silver.items"), moments.selectExpr("as_of", "cast(at as timestamp) as as_of_at")
    )
    offered: dict[str, str] = dict.fromkeys(catalogues, "")
    for row in described.where("eligible").orderBy("item_id").collect():
        offered[row["as_of"]] += row["item_id"]
        assert row["title"] == row["item_id"].upper()

    assert offered == catalogues
    outcomes = sorted(night.rows("ops.batches").to_pylist(), key=lambda row: row["batch_id"])
    assert [row["kept"] for row in outcomes if row["table"] == "items"] == [2, 0, 0, 1]


def test_full_exports_do_not_pile_up_in_bronze(spark: SparkSession, home: Path) -> None:
    domain = write_domain(home, interactions={**SHOP["interactions"], "complete": True})
    rows: list[str] = []
    sizes = []
    for number in range(1, 6):
        rows.append(f"{number},u1,a,buy,2026-01-0{number}T10:00:00Z,5")
        at = datetime(2026, 1, number, 20, tzinfo=UTC).timestamp()
        os.utime(land(home, f"export-{number}.csv", *rows), (at, at))
        night = night_of(spark, domain, f"2026-01-0{number + 1}")
        prepare(night, *LANDING)
        sizes.append(night.lakehouse.count("bronze.interactions"))

    assert sizes == [1, 3, 5, 7, 9]
    assert night.lakehouse.count("silver.interactions") == 5

    prepare(night_of(spark, domain, "2026-01-06"), *LANDING)

    assert night.lakehouse.count("silver.interactions") == 5
    assert night.lakehouse.count("bronze.interactions") <= 9


def test_a_path_may_lead_out_of_the_landing_folder(spark: SparkSession, home: Path) -> None:
    domain = write_domain(home, interactions={**SHOP["interactions"], "path": "../landing/shop/*.csv"})
    land(home, "a.csv", GOOD)
    night = night_of(spark, domain, "2026-01-02")
    prepare(night, *LANDING)

    assert [row["delivery"] for row in night.rows("bronze.interactions").to_pylist()] == ["shop/a.csv"]
