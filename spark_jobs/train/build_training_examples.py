"""Candidates at earlier snapshots with features and labels: what the ranker learns from.

Reads the snapshot tables and silver.interactions, writes gold.training_examples. The newest cut is left for the
test, the earlier ones train: a split by time, for everyone at once.
"""

from __future__ import annotations

from datetime import date
from functools import partial, reduce

from pyspark import Broadcast
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.lakehouse.calendar import training_cuts
from spark_jobs.lakehouse.night import Night
from spark_jobs.recommender.indexing import index_as_of
from spark_jobs.recommender.ranking.examples import COLUMNS, example_maker
from spark_jobs.recommender.ranking.labels import relevant_after, returning_users
from spark_jobs.recommender.snapshots.retrieval_index import RetrievalIndex


def run(night: Night) -> None:
    """Label the candidates of every cut but the newest."""
    context = night.spark.sparkContext
    indexes = {cut: context.broadcast(index_as_of(partial(night.rows, as_of=cut))) for cut in training_cuts(night)[1:]}
    examples = reduce(DataFrame.unionByName, [examples_at(night, *pair) for pair in indexes.items()]).persist()
    night.replace("gold.training_examples", with_queries(examples))
    examples.unpersist()
    for index in indexes.values():
        index.destroy()


def with_queries(examples: DataFrame) -> DataFrame:
    """Examples with `query`, numbered from 0: XGBoost keeps 32 bits of it, so a hash would mix queries up."""
    numbered = Window.orderBy("as_of", "user_id")
    queries = examples.select("as_of", "user_id").distinct()
    return examples.join(queries.withColumn("query", F.row_number().over(numbered) - 1), ["as_of", "user_id"])


def examples_at(night: Night, cut: date, index: Broadcast[RetrievalIndex]) -> DataFrame:
    """Examples of one cut: labels are the target events in the window that follows it."""
    relevant = relevant_after(cut, night.domain, night.read("silver.interactions"))
    histories = night.read("gold.user_histories").where(F.col("as_of") == F.lit(cut))
    return returning_users(histories, relevant).mapInArrow(example_maker(index, cut), COLUMNS)
