"""Publishing: the newest night is served, and nothing that hasn't been yet."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark_jobs.contracts.job_catalog import JOBS, SNAPSHOTS
from spark_jobs.contracts.tables import TABLES
from spark_jobs.lakehouse.night import Night, schema_of
from spark_jobs.ledgers.releases import LEDGER, champion, published
from spark_jobs.publish.publish_recommendations import ReleaseUnknownError
from spark_jobs.publish.publish_recommendations import run as publish
from spark_jobs.publish.score_users import release_row
from spark_jobs.runner.start import FutureNightError, stage, whole_night
from tests.nights import night_of, write_domain

STAGED = "gold.recommendations_staged"


def stage_lists(night: Night) -> None:
    """One list of one item in the staging table, and what a release names as its inputs."""
    row = ("u", 1, "i", "Title", 1.0, ["als"], "because", night.run_date, f"r-{night.run_date}", "source:als")
    night.replace(STAGED, night.spark.createDataFrame([row], schema_of(TABLES[STAGED])))
    for name in SNAPSHOTS:
        night.lakehouse.create(name)
        night.read_version(name)
    night.record(LEDGER, [release_row(night, f"r-{night.run_date}", "source:als")])


def served(night: Night) -> set[date]:
    return {row.run_date for row in night.read("gold.recommendations").collect()}


def test_a_list_of_a_day_that_has_not_begun_is_replaced_and_an_older_night_replaces_nothing(
    spark: SparkSession, home: Path
) -> None:
    domain = write_domain(home)
    future = night_of(spark, domain, domain.tonight() + timedelta(days=3_650))
    stage_lists(future)
    publish(future.for_job())

    assert served(future) == {future.run_date}

    tonight = night_of(spark, domain, domain.tonight())
    stage_lists(tonight)
    publish(tonight.for_job())

    assert served(tonight) == {tonight.run_date}

    older = replace(tonight, run_date=tonight.run_date - timedelta(days=1))
    stage_lists(older)
    publish(older.for_job())

    assert served(older) == {tonight.run_date}

    history = {row.run_date for row in older.read("gold.recommendation_history").collect()}

    assert history == {future.run_date, tonight.run_date, older.run_date}
    assert [row["serving"] for row in published(older.lakehouse, 9)] == [False, True, True]


def test_a_release_published_twice_is_in_history_and_ledger_once(spark: SparkSession, home: Path) -> None:
    """What a kill between any two writes leaves is finished by the same job again."""
    domain = write_domain(home)
    tonight = night_of(spark, domain, domain.tonight())
    stage_lists(tonight)
    for _ in range(2):
        publish(tonight.for_job())

    assert tonight.read("gold.recommendation_history").count() == 1

    rows = published(tonight.lakehouse, 9)

    assert [(row["kind"], row["users"], row["rows"], row["churn"]) for row in rows] == [("publish", 1, 1, None)]
    assert set(rows[0]["inputs"]) == set(SNAPSHOTS) or dict(rows[0]["inputs"]).keys() == set(SNAPSHOTS)
    assert champion(tonight.lakehouse) == "source:als"

    unknown = replace(tonight, run_date=tonight.run_date - timedelta(days=1))
    row = ("u", 1, "i", "Title", 1.0, ["als"], "because", unknown.run_date, "r-unknown", "source:als")
    unknown.replace(STAGED, spark.createDataFrame([row], schema_of(TABLES[STAGED])))

    with pytest.raises(ReleaseUnknownError, match="r-unknown: run the publish stage again"):
        publish(unknown.for_job())


def test_a_run_date_beyond_tonight_is_refused_before_anything_starts(home: Path) -> None:
    tomorrow = write_domain(home, time_zone="Pacific/Kiritimati").tonight() + timedelta(days=1)

    with pytest.raises(FutureNightError, match=rf"{tomorrow} lies beyond tonight.*Pacific/Kiritimati") as caught:
        whole_night("shop", tomorrow)
    assert not caught.value.retry
    with pytest.raises(FutureNightError):
        stage("shop", tomorrow, "publish")
    assert not (home / "lakehouse").exists()


def test_served_lists_have_passed_before_they_are_served() -> None:
    assert STAGED in JOBS["score_users"].gates
    assert not any("gold.recommendations" in job.gates for job in JOBS.values())
