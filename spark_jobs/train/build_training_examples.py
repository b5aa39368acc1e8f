"""Candidates at earlier snapshots with features and labels: what the ranker learns from.

Reads the snapshot tables and silver.interactions, writes gold.training_examples with two labels. `label_tested` knows
nothing of what followed the newest cut, which is left for the test: a split by time, for everyone at once. `label`
knows everything before the run date: what serves is fitted to it, once the test has been taken.
"""

from __future__ import annotations

from datetime import date
from functools import partial, reduce

from pyspark import Broadcast
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.lakehouse.calendar import training_cuts, windows_of
from spark_jobs.lakehouse.night import Night
from spark_jobs.recommender.indexing import index_as_of
from spark_jobs.recommender.ranking.examples import COLUMNS, example_maker
from spark_jobs.recommender.ranking.labels import relevant_after, returning_users
from spark_jobs.recommender.snapshots.retrieval_index import RetrievalIndex


def run(night: Night) -> None:
    """Label the candidates of every cut."""
    context = night.spark.sparkContext
    cuts = training_cuts(night)
    indexes = {
        cut: context.broadcast(index_as_of(partial(night.rows, as_of=cut), night.domain.sources)) for cut in cuts
    }
    labelled = [examples_at(night, cut, cuts[0], index) for cut, index in indexes.items()]
    examples = reduce(DataFrame.unionByName, labelled).persist()
    night.replace("gold.training_examples", with_queries(examples))
    examples.unpersist()
    for index in indexes.values():
        index.destroy()


def with_queries(examples: DataFrame) -> DataFrame:
    """Examples with `query`, numbered from 0: XGBoost keeps 32 bits of it, so a hash would mix queries up."""
    numbered = Window.orderBy("as_of", "user_id")
    queries = examples.select("as_of", "user_id").distinct()
    return examples.join(queries.withColumn("query", F.row_number().over(numbered) - 1), ["as_of", "user_id"])


def examples_at(night: Night, cut: date, test: date, index: Broadcast[RetrievalIndex]) -> DataFrame:
    """Examples of one cut: labels are the target events in the windows that follow it; `test` is the newest cut."""
    histories = night.read("gold.user_histories").where(F.col("as_of") == F.lit(cut))
    maker = example_maker(index, cut, tested=cut < test)
    return labelled_users(night, cut, test, histories).mapInArrow(maker, COLUMNS)


def labelled_users(night: Night, cut: date, test: date, histories: DataFrame) -> DataFrame:
    """Histories of users who came back after the cut, with what they took until tonight and until the test."""
    days = windows_of(night).days * night.domain.train.label_windows
    after = partial(relevant_after, cut, days, night.domain, night.read("silver.interactions"))
    tonight, tested = after(until=night.run_date), after(until=test).withColumnRenamed("relevant", "tested")
    return returning_users(histories, tonight).join(tested, "user_id", "left")
