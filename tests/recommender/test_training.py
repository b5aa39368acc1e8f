"""When equal examples give an equal model: the digest holds all that decides it."""

from __future__ import annotations

from pyspark.sql import SparkSession

from spark_jobs.recommender.ranking import training
from spark_jobs.recommender.ranking.training import content_digest


def test_the_digest_changes_with_whatever_changes_the_model(spark: SparkSession) -> None:
    frame = spark.sql("SELECT * FROM VALUES ('u', 1, 0.5F), ('v', 0, FLOAT('NaN')) AS t(user_id, label, feature)")
    digest = content_digest(frame, "cpu", "v1")
    assert content_digest(frame.orderBy("label"), "cpu", "v1") == digest
    assert content_digest(frame.unionAll(frame), "cpu", "v1") != digest
    assert content_digest(frame, "cuda", "v1") != digest
    assert content_digest(frame, "cpu", "v2") != digest


def test_constraints_are_part_of_the_digest(spark: SparkSession) -> None:
    frame = spark.range(3)
    before = content_digest(frame, "cpu", "v1")
    constraints, training.CONSTRAINTS = training.CONSTRAINTS, "(1)"
    try:
        assert content_digest(frame, "cpu", "v1") != before
    finally:
        training.CONSTRAINTS = constraints
