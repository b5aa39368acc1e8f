"""The Spark session: what every job finds when it starts."""

from __future__ import annotations

import sys

from pyspark.sql import SparkSession


def test_workers_are_forked_with_everything_imported(spark: SparkSession) -> None:
    imported = spark.sparkContext.parallelize([0], 1).map(lambda _: set(sys.modules)).first()
    assert {"xgboost", "spark_jobs.recommender.candidates"} <= imported
