"""Reading and writing within a job: one version of every table, and the job's own writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from spark_jobs.lakehouse.night import SMALL_LOG
from tests.nights import night_of, write_domain

ROW = {"decision": "train", "outcome": "yes", "reason": "why"}


def test_a_job_reads_each_table_as_of_one_version_and_sees_its_own_writes(spark: SparkSession, home: Path) -> None:
    night = night_of(spark, write_domain(home), "2026-01-05")
    night.record("ops.decisions", [ROW])
    job, other = night.for_job(), night.for_job()

    assert job.read("ops.decisions").count() == 1

    other.record("ops.decisions", [ROW])

    assert job.read("ops.decisions").count() == 1
    assert night.read("ops.decisions").count() == 2
    assert job.versions_read == {"ops.decisions": 1}

    job.record("ops.decisions", [ROW])

    assert job.read("ops.decisions").count() == 3
    assert job.versions_written == {"ops.decisions": 3}


def test_columns_left_open_are_the_writers(spark: SparkSession, home: Path) -> None:
    night = night_of(spark, write_domain(home), "2026-01-05")
    examples = (
        "SELECT DATE'2026-01-01' AS as_of, 'u' AS user_id, 'i' AS item_id, 0 AS query, 1 AS label, 1 AS label_tested, "
    )
    for feature in ("old", "new"):
        night.replace("gold.training_examples", spark.sql(f"{examples} 1.5 AS {feature}"))
        row = night.read("gold.training_examples").collect()[0]
        assert row.asDict()[feature] == 1.5
        assert len(row) == 7


@pytest.mark.parametrize(("more", "by_spark"), [(0, False), (1, True)])
def test_many_users_with_few_events_do_not_pass_through_the_driver(
    spark: SparkSession, home: Path, more: int, by_spark: bool
) -> None:
    night = night_of(spark, write_domain(home), "2026-01-05")
    users = SMALL_LOG // night.domain.recommendations.per_user + more
    events = spark.range(users).selectExpr(
        *("id AS event_key", "id AS user_id", "'i' AS item_id", "'buy' AS event_type", "1.0 AS weight"),
        *("TIMESTAMP'2026-01-01' AS event_at", "NULL AS value", "'b' AS batch_id", "'b' AS delivery"),
    )
    bronze = "map('a', 'b') AS record, 'f' AS delivery, 1L AS delivery_size, now() AS delivery_modified_at"
    records = spark.sql(f"SELECT {bronze}, DATE'2026-01-05' AS run_date, 'b' AS batch_id, NULL AS corrupt")
    night.replace("bronze.interactions", records)
    for _ in range(2):
        night.replace("silver.interactions", events)
    engine = DeltaTable(night.lakehouse.uri("silver.interactions")).history(1)[0].get("engineInfo", "")

    assert ("Spark" in engine) is by_spark
