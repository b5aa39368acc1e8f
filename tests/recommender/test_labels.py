"""Who is learnt from and measured at a cutoff: users who came back, and users who came for the first time."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.recommender.ranking.examples import COLUMNS, example_maker
from spark_jobs.recommender.ranking.labels import a_few, first_time_users, returning_users
from tests.recommender.builders import make_histories, make_index

CUT = date(2026, 1, 8)


@pytest.fixture(scope="module")
def histories(spark: SparkSession) -> DataFrame:
    """Histories at the cutoff of three users; the last one is known, and has no event yet."""
    rows = make_histories({"a": [("i001", 1.0, 2.0)], "b": [("i002", 1.0, 1.0)], "quiet": []}, {"b": ["i003"]})
    return spark.createDataFrame(pa.Table.from_batches([rows.append_column("as_of", pa.repeat(CUT, 3))]))


@pytest.fixture(scope="module")
def relevant(spark: SparkSession) -> DataFrame:
    taken = {"a": ["i004"], "b": ["i003"], "quiet": ["i005"], **{f"new{n}": ["i006", "i007"] for n in range(40)}}
    rows = [(CUT, user, items) for user, items in taken.items()]
    return spark.createDataFrame(rows, "as_of date, user_id string, relevant array<string>")


def test_who_came_back_and_who_came_first_are_apart(histories: DataFrame, relevant: DataFrame) -> None:
    # What the policy hides from b is all that b took.
    assert [row.user_id for row in returning_users(histories, relevant).collect()] == ["a"]

    first = first_time_users(histories, relevant).collect()

    assert {row.user_id for row in first} == {"quiet", *(f"new{n}" for n in range(40))}
    assert {(row.as_of, row.events_total, *map(len, (row.item_ids, row.weights, row.ages_days))) for row in first} == {
        (CUT, 0, 0, 0, 0)
    }


def test_a_few_are_the_same_ones_in_whatever_order_they_come(histories: DataFrame, relevant: DataFrame) -> None:
    first = first_time_users(histories, relevant)
    few = {row.user_id for row in a_few(first, 10).collect()}

    assert len(few) == 10
    assert {row.user_id for row in a_few(first.repartition(7).orderBy("user_id"), 10).collect()} == few
    assert a_few(first, 100).count() == 41


def test_newcomers_are_examples_without_a_past(spark: SparkSession, histories: DataFrame, relevant: DataFrame) -> None:
    users = a_few(first_time_users(histories, relevant), 3)
    known = F.create_map(F.lit("city"), F.lit("Ulm"))
    few = users.withColumn("tested", users.relevant).withColumn("attributes", known).persist()
    index = spark.sparkContext.broadcast(make_index(60))
    examples = few.mapInArrow(example_maker({CUT: index}, test=date.max), COLUMNS).toPandas()

    assert set(examples.user_id) == {row.user_id for row in few.collect()}
    assert (examples.user_events == 0).all()
    assert examples.user_recency_days.isna().all()
    assert (examples.segment_popularity_score > 0).any(), "what is known of them is all there is"
    assert set(examples.item_id[examples.label == 1]) <= {"i005", "i006", "i007"}
    assert np.array_equal(examples.label, examples.label_tested)

    few.unpersist()
