"""Candidates at earlier snapshots with features and labels: what the ranker learns from.

Reads the snapshot tables and silver.interactions, writes gold.training_examples with two labels. `label_tested` knows
nothing of what followed the newest cutoff, which is left for the test: a split by time, for everyone at once. `label`
knows everything before the run date: what serves is fitted to it, once the test has been taken.

MOST_USERS are enough to learn from, whatever the size of the shop. Beyond them a sample is taken, so that training
costs no more with ten times the users, and fits one worker.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.contracts.domain.windows import Windows
from spark_jobs.contracts.errors import NothingToDoError
from spark_jobs.lakehouse.night import Night
from spark_jobs.planning.snapshots import histories_of, require_snapshots, with_attributes
from spark_jobs.planning.training_dates import training_dates
from spark_jobs.recommender.arrays.batches import shared_out
from spark_jobs.recommender.indexing import shared_index
from spark_jobs.recommender.ranking.examples import COLUMNS, example_maker
from spark_jobs.recommender.ranking.labels import a_few, at_most, first_time_users, relevant_after, returning_users

MOST_USERS = 50_000
"""Users of all cutoffs together: with some 60 examples each about three million, which take 2.5 GB in training."""
NEW_USERS = 10
"""First-time users per cutoff. All look the same to the ranker, so that a few of them tell it what new users take."""


class NothingToLearnError(NothingToDoError):
    """No candidate was taken, or every one; the message says which."""


def run(night: Night) -> None:
    """Label the candidates of every cutoff."""
    context = night.spark.sparkContext
    windows, cutoffs = training_dates(night)
    # Tonight's is for the ONNX twin, at the stage's end.
    require_snapshots(night, [night.run_date, *cutoffs])
    indexes = {cutoff: shared_index(context, night.stream, cutoff, night.domain.sources) for cutoff in cutoffs}
    everybody = labelled_users(night, windows, cutoffs, cutoffs[0], histories_of(night, cutoffs))
    [users] = at_most(MOST_USERS, night.lakehouse.count("gold.user_histories"), everybody)
    examples = shared_out(users, "as_of").mapInArrow(example_maker(indexes, cutoffs[0]), COLUMNS).persist()
    counts = [F.count_if(F.col(label) == value) for label in ("label", "label_tested") for value in (1, 0)]
    labels = examples.agg(*counts).first()
    if labels and all(labels):
        night.replace("gold.training_examples", with_queries(examples))
    examples.unpersist()
    for index in indexes.values():
        index.destroy()
    if not (labels and all(labels)):
        raise NothingToLearnError(
            "no ranker can be trained yet: of what sources proposed at earlier dates, users "
            f"{'took everything' if labels and labels[0] and labels[2] else 'took nothing'} before the test window, so "
            "that there is nothing to tell apart. What serves goes on, or the best source."
        )


def with_queries(examples: DataFrame) -> DataFrame:
    """Examples with `query`, numbered from 0: XGBoost keeps 32 bits of it, so a hash would mix queries up."""
    numbered = Window.orderBy("as_of", "user_id")
    queries = examples.select("as_of", "user_id").distinct()
    return examples.join(
        F.broadcast(queries.withColumn("query", F.row_number().over(numbered) - 1)), ["as_of", "user_id"]
    )


def labelled_users(night: Night, windows: Windows, cutoffs: list[date], test: date, histories: DataFrame) -> DataFrame:
    """Histories at the cutoffs of users who came after them, with what they took until tonight and until the test.

    `test` is the newest of all cutoffs.
    """
    days = windows.days * night.domain.train.label_windows
    events = night.read("silver.interactions").where(F.col("event_at") < F.lit(night.as_of))
    relevant = relevant_after(cutoffs, days, night.domain, events, tested=test)
    new_users = a_few(first_time_users(histories, relevant), NEW_USERS)
    return with_attributes(night, returning_users(histories, relevant).unionByName(new_users))
