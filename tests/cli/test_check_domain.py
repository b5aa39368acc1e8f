"""A domain file's mistakes come all at once; a good file shows what it makes of the landing files."""

from __future__ import annotations

import io
from pathlib import Path
from textwrap import dedent

import pytest
from pyspark.sql import SparkSession
from rich.console import Console

from spark_jobs.cli.check_domain import check_domain, show
from spark_jobs.contracts.settings import Settings
from spark_jobs.operations.domain_check.report import CheckReport

GOOD = """
    domain: shop
    interactions:
      path: shop/events-*.csv
      columns:
        user_id: customer
        item_id: product
        event_type: CASE WHEN kind LIKE 'b%' THEN 'purchase' ELSE kind END
        event_at: timestamp_seconds(try_cast(sold_at AS BIGINT))
        value: try_cast(price AS DOUBLE)
      event_key: [customer, product, sold_at]
    event_weights: {purchase: 1.0, view: 0.2}
    items:
      path: shop/items.jsonl
      format: {type: json}
      columns: {item_id: sku, title: name, categories: "split(genres, '[|]')", attributes: "map('size', size)"}
    users:
      path: shop/users.csv
      format: {type: csv, delimiter: ";"}
      columns: {user_id: id, attributes: "map('city', city)"}
"""
BAD = """
    domain: shopp
    time_zone: Europe/Lundon
    interactions:
      path: shop/events-*.csv
      columns:
        user_id: custommer
        item_id: product
        event_type: kind
        event_at: cast(sold_at AS BIGINT) * 1000
        value: split(price, ',')
      event_key: [customer, "concat(product, sold_aat)", concat(kind, price)]
    event_weights: {buy: 1.0, voew: 0.2}
    items:
      path: shop/catalog.jsonl
      columns: {item_id: sku, title: name}
    users:
      path: shop/users.csv
      format: {type: csv, delimiter: ";"}
      columns: {user_id: "nullif(city, city)", atributes: "map('city', city)"}
    rulez: {}
"""


@pytest.fixture
def settings(spark: SparkSession, tmp_path: Path) -> Settings:
    """Two event files, a catalogue in JSON lines and users in semicolon CSV."""
    landing = tmp_path / "landing" / "shop"
    landing.mkdir(parents=True)
    (landing / "events-1.csv").write_text(
        "customer,product,kind,sold_at,price\n1,A,buy,1700000000,2.5\n2,B,view,1700000100,\n"
    )
    (landing / "events-2.csv").write_text(
        "sold_at,customer,product,kind,price\n1700000200,2,A,buy,3\nlate,3,C,view,1\n"
    )
    (landing / "items.jsonl").write_text(
        '{"sku": "A", "name": "Ale", "genres": "Beer|Drink", "size": 1}\n'
        '{"sku": "B", "name": "Bread [dark]", "genres": null}\n'
    )
    (landing / "users.csv").write_text("id;city\n1;Paris\n2;Rome\n9;Oslo\n")
    return Settings(home=tmp_path)


def check(settings: Settings, tmp_path: Path, text: str) -> tuple[CheckReport, str, int]:
    path = tmp_path / "shop.yaml"
    path.write_text(dedent(text))
    report = check_domain(path, settings)
    output = io.StringIO()
    code = show(report, Console(file=output, width=200))
    return report, output.getvalue(), code


def test_a_good_file_shows_mapped_rows_of_every_source(settings: Settings, tmp_path: Path) -> None:
    report, output, code = check(settings, tmp_path, GOOD)

    assert report.problems == []
    assert code == 0

    names, rows = report.samples["interactions"]

    assert names == ["user_id", "item_id", "event_type", "event_at", "value"]
    assert sorted(rows)[0] == ["1", "A", "purchase", "2023-11-14 22:13:20", "2.5"]
    assert ["B", "Bread [dark]", "[]", "{size -> null}"] in report.samples["items"][1]
    assert len(report.samples["users"][1]) == 3
    assert "Bread [dark]" in output


def test_what_quarantine_or_rules_would_take_is_a_warning(settings: Settings, tmp_path: Path) -> None:
    report, _, _ = check(settings, tmp_path, GOOD)
    warnings = "\n".join(report.warnings)

    assert "interactions.columns.event_at: NULL in 25.0% (1) of the sample" in warnings
    assert '"sold_at":"late"' in warnings
    assert (
        "items.columns.item_id: 25.0% (1) of the interactions are with 1 items that the catalogue lacks, for example C"
        in warnings
    )


@pytest.mark.parametrize(
    "mistake",
    [
        "time_zone: expected an IANA time zone",
        "rulez: unknown key",
        "users.columns.atributes: unknown key",
        "interactions.columns.user_id: unknown column 'custommer'; did you mean customer?",
        "interactions.columns.event_at: fails on some records",
        "interactions.columns.value: expected a number, but the expression gives array<string>",
        "interactions.event_key.1: unknown column 'sold_aat'; did you mean sold_at?",
        "In a YAML list, quote an expression that contains a comma.",
        "domain: must equal the file's name 'shop', got 'shopp'",
        "event_weights: unknown event type 'view'; did you mean voew?",
        "items.path: no file matches",
        "users.columns.user_id: NULL in 100.0% (3) of the sample",
    ],
)
def test_every_mistake_is_found_in_one_go(bad_report: tuple[CheckReport, str, int], mistake: str) -> None:
    report, _output, code = bad_report

    assert mistake in "\n".join(report.problems)
    assert code == 1
    assert all(str(report.path) in problem for problem in report.problems)


@pytest.fixture
def bad_report(settings: Settings, tmp_path: Path) -> tuple[CheckReport, str, int]:
    return check(settings, tmp_path, BAD)


def test_a_few_malformed_event_types_are_no_mistake_of_the_file(settings: Settings, tmp_path: Path) -> None:
    rows = "".join(f"{number},A,buy,1700000000,1\n" for number in range(200))
    (settings.landing / "shop" / "events-3.csv").write_text(
        f"customer,product,kind,sold_at,price\n{rows}1,A,vuew,1,1\n"
    )
    report, _, _ = check(settings, tmp_path, GOOD)

    assert report.problems == []
    assert any("'vuew'; did you mean view?" in line and "(1 records" in line for line in report.warnings)


def test_a_wrong_event_type_does_not_flood_the_report(settings: Settings, tmp_path: Path) -> None:
    rows = "".join(f"{number},A,buy,1700000000,1\n" for number in range(200))
    (settings.landing / "shop" / "events-3.csv").write_text(f"customer,product,kind,sold_at,price\n{rows}")
    event_type = "event_type: CASE WHEN kind LIKE 'b%' THEN 'purchase' ELSE kind END"

    assert event_type in GOOD

    report, _, _ = check(settings, tmp_path, GOOD.replace(event_type, "event_type: customer"))

    assert len(report.problems) == 11
    assert "more event types are unknown" in report.problems[-1]


def test_wrong_unit_of_time_is_a_problem(settings: Settings, tmp_path: Path) -> None:
    report, _, _ = check(settings, tmp_path, GOOD.replace("timestamp_seconds", "timestamp_millis"))

    assert "interactions.columns.event_at: 100.0% (3) of the times lie before 1971" in "\n".join(report.problems)

    report, _, _ = check(
        settings, tmp_path, GOOD.replace("(try_cast(sold_at AS BIGINT))", "(1000 * try_cast(sold_at AS BIGINT))")
    )

    assert "of the times lie in the future: milliseconds taken for seconds?" in "\n".join(report.problems)


def test_a_catalogue_from_interactions_uses_their_columns(settings: Settings, tmp_path: Path) -> None:
    start, rest = GOOD.split("    items:\n")
    derived = start + "    items: {from_interactions: {categories: array(kind)}}\n" + rest[rest.index("    users:") :]
    report, _, _ = check(settings, tmp_path, derived)

    assert report.problems == []
    assert sorted(report.samples["items"][1])[0] == ["A", "[buy]", "A"]


def test_wrong_encoding_and_delimiter_are_noticed(settings: Settings, tmp_path: Path) -> None:
    (settings.landing / "shop" / "users.csv").write_bytes("id;city\n1;Köln\n".encode("latin-1"))
    report, _, _ = check(settings, tmp_path, GOOD)

    assert any("users.format" in line and "set encoding" in line for line in report.warnings)

    (settings.landing / "shop" / "users.csv").write_text("id;city\n1;Bonn\n")
    report, _, _ = check(settings, tmp_path, GOOD.replace(', delimiter: ";"', ""))

    assert any("users.format" in line and "set delimiter" in line for line in report.problems)
    assert "set delimiter" in report.problems[0], "the cause goes first"

    report, _, _ = check(settings, tmp_path, GOOD.replace('delimiter: ";"', 'delimiter: ";", encoding: utf-9'))

    assert any("users.format" in line and "utf-9" in line for line in report.problems)


def test_ids_that_are_none_or_match_nothing_are_named(settings: Settings, tmp_path: Path) -> None:
    rows = [f"{'bot' if n % 3 else 'nan'},{100 + n % 5}.0,buy,170000{n:04},1" for n in range(300)]
    for file in (settings.landing / "shop").glob("events-*.csv"):
        file.unlink()
    (settings.landing / "shop" / "events-1.csv").write_text("customer,product,kind,sold_at,price\n" + "\n".join(rows))
    (settings.landing / "shop" / "items.jsonl").write_text(
        "\n".join(f'{{"sku": {100 + n}, "name": "x", "genres": "g", "size": 1}}' for n in range(5))
    )
    report, _, _ = check(settings, tmp_path, GOOD)
    warnings, problems = "\n".join(report.warnings), "\n".join(report.problems)

    assert "'nan' (100 of 300) would be taken for ids" in warnings
    assert "set where: (customer) NOT IN ('nan')" in warnings
    assert "'bot' has 200 of 300 events" in warnings
    assert "while the catalogue has 10" in problems
    assert "cast(cast(product as decimal(38,0)) as string)" in problems


def test_where_is_tried_on_the_sample(settings: Settings, tmp_path: Path) -> None:
    with_where = GOOD.replace("path: shop/events-*.csv\n", "path: shop/events-*.csv\n      where: {}\n", 1)
    report, _, _ = check(settings, tmp_path, with_where.replace("where: {}", "where: sold_at <> 'late'"))

    assert "interactions: where leaves out 25.0% (1) of the sample" in report.facts
    assert not any("event_at: NULL" in line for line in report.warnings)

    report, _, _ = check(settings, tmp_path, with_where.replace("where: {}", "where: custommer IS NOT NULL"))

    assert any("interactions.where: unknown column 'custommer'" in line for line in report.problems)


def test_json_read_as_csv_is_noticed(settings: Settings, tmp_path: Path) -> None:
    report, _, _ = check(settings, tmp_path, GOOD.replace("      format: {type: json}\n", ""))
    assert any("items.format" in line and "set type" in line for line in report.warnings)


def test_a_missing_file_and_broken_yaml_are_reported_without_spark(tmp_path: Path) -> None:
    report = check_domain(tmp_path / "none.yaml", Settings(home=tmp_path))

    assert "no such file" in report.problems[0]

    (tmp_path / "x.yaml").write_text("domain: [")

    assert "not readable as YAML" in check_domain(tmp_path / "x.yaml", Settings(home=tmp_path)).problems[0]
