"""Gates let good tables pass, stop on each planted fault, and never pass on nothing."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.contracts.tables import TABLES
from spark_jobs.lakehouse.night import Night, schema_of
from spark_jobs.quality import evaluation
from spark_jobs.quality.evaluation import evaluate
from spark_jobs.quality.outcome import Outcome
from spark_jobs.quality.suite_files import SuiteError
from spark_jobs.quality.suites import load_suite
from spark_jobs.runner.quality_gate import QualityGateError, check_table
from tests.nights import night_of, write_domain

LISTS = "gold.recommendations_staged"


@pytest.fixture
def night(spark: SparkSession, home: Path) -> Night:
    return night_of(spark, write_domain(home), "2026-01-05")


def lists(night: Night, **changes: Any) -> DataFrame:
    rows = [
        {
            "user_id": f"u{user}",
            "rank": rank,
            "item_id": f"i{(user + rank) % 30}",
            "title": "A title",
            "score": 1.0 - rank / 10,
            "sources": ["als"],
            "reason": "because",
            "run_date": night.run_date,
            "release": "r",
            "model_version": "1",
        }
        for user in range(30)
        for rank in range(1, 4)
    ]
    rows[4] |= changes
    return night.spark.createDataFrame([tuple(row.values()) for row in rows], schema_of(TABLES[LISTS]))


def test_a_good_table_passes_and_every_result_is_recorded(night: Night) -> None:
    check_table(night, LISTS, lists(night))
    results = night.read("ops.quality_results").collect()
    suite = json.loads((night.settings.expectations_dir / f"{LISTS}.json").read_text())

    assert len(results) == len(suite["expectations"])
    assert all(row.success for row in results)


def test_the_short_way_says_what_a_run_with_details_says(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, suite = lists(night), load_suite(night.settings.expectations_dir, LISTS)
    short = evaluate(rows, suite, LISTS, ["user_id", "rank"])
    # No expectation is settled by counting: Great Expectations runs each with details.
    monkeypatch.setattr(evaluation, "DETAILS_OF_HELD", {})
    monkeypatch.setattr(evaluation, "UnexpectedRowsExpectation", type(None))
    whole = evaluate(rows, suite, LISTS, ["user_id", "rank"])

    assert short.mark == whole.mark == "passed"

    def by_rule(outcome: Outcome) -> dict[str, tuple[str, bool, int | None]]:
        return {one.expectation: (one.severity, one.success, one.unexpected) for one in outcome.results}

    assert by_rule(short) == by_rule(whole)
    assert short.document.statistics == whole.document.statistics

    shown = {one.expectation_config.type: one.result.get("observed_value") for one in short.document.results}

    assert shown["expect_table_row_count_to_be_between"] == rows.count()


def test_a_table_that_passed_is_not_checked_again_until_it_or_its_suite_changes(night: Night, tmp_path: Path) -> None:
    def checks() -> int:
        return night.lakehouse.count("ops.quality_results")

    night.replace(LISTS, lists(night))
    check_table(night.for_job(), LISTS)
    once = checks()
    check_table(night.for_job(), LISTS)

    assert checks() == once

    night.replace(LISTS, lists(night))
    check_table(night.for_job(), LISTS)

    assert checks() == 2 * once

    shutil.copytree(night.settings.expectations_dir, tmp_path / "suites")
    suite = tmp_path / "suites" / f"{LISTS}.json"
    suite.write_text(suite.read_text() + "\n")
    settings = night.settings.model_copy(update={"expectations_dir": tmp_path / "suites"})
    check_table(replace(night, settings=settings), LISTS)

    assert checks() == 3 * once


def test_a_table_that_failed_is_checked_again(night: Night) -> None:
    night.replace(LISTS, lists(night, rank=7))
    for _ in range(2):
        with pytest.raises(QualityGateError, match="ranks of a user"):
            check_table(night.for_job(), LISTS)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rank": 7}, r"ranks of a user run from 1 without gaps: 1 rows, such as .*'user_id': 'u1'"),
        ({"item_id": "i2"}, r"no item twice in a user's list: 1 rows, such as .*'item_id': 'i2'"),
        ({"score": 5.0}, r"scores do not rise along a list: 1 rows, such as .*'next_score': 5.0"),
        ({"sources": []}, r"every row names its sources and reason"),
        ({"release": "other"}, r"all rows belong to one release and run date"),
        ({"title": ""}, r"every title has text"),
        ({"score": float("nan")}, r"every score is a number"),
    ],
)
def test_each_fault_in_a_list_stops_the_night(night: Night, change: dict[str, Any], words: str) -> None:
    with pytest.raises(QualityGateError, match=words) as caught:
        check_table(night, LISTS, lists(night, **change))
    assert "expectations/gold.recommendations_staged.json" in str(caught.value)
    assert night.read("ops.quality_results").where("NOT success").count() >= 1

    page = night.settings.home / "data_docs" / "shop" / "2026-01-05" / f"{LISTS}.html"

    assert page.read_text().startswith("<!-- failed -->")


def test_an_empty_table_stops_the_night(night: Night) -> None:
    with pytest.raises(QualityGateError, match="the table holds rows"):
        check_table(night, LISTS, lists(night).where("false"))


def test_null_and_double_keys_stop_the_night(night: Night) -> None:
    null = lists(night).withColumn("title", F.when(F.col("rank") > 1, F.col("title")))

    with pytest.raises(QualityGateError, match="title is never NULL"):
        check_table(night, LISTS, null)

    double = lists(night).unionAll(lists(night))

    with pytest.raises(QualityGateError, match=r"the key \(user_id, rank\) is unique"):
        check_table(night, LISTS, double)


def test_a_warning_is_recorded_and_does_not_stop(night: Night) -> None:
    few = lists(night).withColumn("item_id", F.concat(F.lit("i"), F.col("rank")))
    check_table(night, LISTS, few)
    broken = night.read("ops.quality_results").where("NOT success").collect()

    assert [row.severity for row in broken] == ["warning"]
    assert "at least 20 different items" in broken[0].expectation

    index = night.settings.home / "data_docs" / "shop" / "index.html"

    assert f"{LISTS}</a>: warnings" in index.read_text()


def test_a_gate_never_passes_on_nothing(night: Night, tmp_path: Path) -> None:
    suites = tmp_path / "suites"
    suites.mkdir()
    bare = Night(
        night.settings.model_copy(update={"expectations_dir": suites}), night.domain, night.run_date, spark=night.spark
    )

    with pytest.raises(SuiteError, match="no suite for"):
        check_table(bare, LISTS, lists(night))

    (suites / f"{LISTS}.json").write_text('{"name": "empty", "expectations": []}')

    with pytest.raises(SuiteError, match="an empty gate would pass anything"):
        check_table(bare, LISTS, lists(night))

    (suites / f"{LISTS}.json").write_text('{"name": "bad", "expectations": [{"type": "no_such_rule", "kwargs": {}}]}')

    with pytest.raises(SuiteError, match="not a readable Great Expectations suite"):
        check_table(bare, LISTS, lists(night))
