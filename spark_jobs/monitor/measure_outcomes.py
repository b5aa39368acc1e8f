"""How the lists that were served did once the truth arrived: did last night's list work?

Reads what every release published (gold.recommendation_history), silver.interactions and silver.items; writes
ops.outcomes. Lists are taken as published, never made again; what popularity and the user's own history would have
shown that night, and the lists before, are measured on the same users. Nobody knows who saw a list: users went along
with it, or did not.
"""

from __future__ import annotations

from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.lakehouse.night import Night
from spark_jobs.ledgers import outcomes
from spark_jobs.ledgers.outcomes import OWN_HISTORY, POPULARITY, PREVIOUS, SERVED
from spark_jobs.ledgers.releases import HISTORY, release_named
from spark_jobs.planning.outcomes import ServedWindow, windows_due
from spark_jobs.planning.training_dates import moments
from spark_jobs.recommender.arrays.histories import MICROSECONDS_PER_DAY, histories_as_of
from spark_jobs.recommender.catalogue import catalogue_as_of
from spark_jobs.recommender.evaluation.evaluator import NEW_EVENTS
from spark_jobs.recommender.evaluation.metrics import SLICED
from spark_jobs.recommender.evaluation.summary import by_model, figures
from spark_jobs.recommender.monitoring.outcomes import (
    COLUMNS,
    METRICS,
    most_frequent,
    most_popular,
    published,
    realised,
)
from spark_jobs.recommender.ranking.labels import first_time_users, hashed_share, relevant_after, returning_users

MOST_USERS = 20_000
"""Measured users: enough for intervals of ± .003 in NDCG@10; the same share of all, chosen by a hash."""
POPULAR = 1_000
"""Most popular items that are looked at: a user to whom rules hide all of them has no popular list."""
HALF_LIFE_DAYS = 30


def run(night: Night) -> None:
    """Measure every window that is over and is not measured with the truth that is known by now."""
    for window in windows_due(night):
        measured = measure(night, window)
        facts = {"model_version": window.model_version, "label_days": window.label_days, "truth": window.truth}
        outcomes.replace(night, window.key, facts, measured)


def measure(night: Night, window: ServedWindow) -> list[dict[str, Any]]:
    """All figures of a window, as rows of ops.outcomes."""
    users = who_came(night, window).persist()
    came = users.count()
    if not came:
        return [{"model": SERVED, "metric": "users_with_list", "value": 0.0, "users": 0}]
    eligible = eligible_items(night, window.start)
    looked_at = hashed_share(users, MOST_USERS / came) if came > MOST_USERS else users
    rows = realised_by_model(night, window, looked_at, eligible).persist()
    served = rows.where(F.col("model") == SERVED)
    with_list = users.where(F.col(SERVED).isNotNull()).count()
    frames = [by_model(rows, SERVED, METRICS, SLICED), by_place(served), by_source(served, looked_at)]
    frames += [by_day(night, window, served), taken_items(night, window, users, eligible)]
    found = reduce(DataFrame.unionByName, frames).toArrow().to_pylist()
    users.unpersist()
    rows.unpersist()
    return [*found, {"model": SERVED, "metric": "users_with_list", "value": with_list / came, "users": came}]


def who_came(night: Night, window: ServedWindow) -> DataFrame:
    """Users with target events in the window: what they took, their history when it began, and their lists.

    Items that the already-seen policy hid then could not be shown, so they don't count, as in evaluations.
    """
    interactions = night.read("silver.interactions")
    relevant = relevant_after([window.start], window.days, night.domain, interactions)
    theirs = interactions.join(relevant.select("user_id"), "user_id", "left_semi")
    histories = histories_as_of(theirs, night.domain, [window.start])
    users = returning_users(histories, relevant).unionByName(first_time_users(histories, relevant))
    for model, release in ((SERVED, window.release), (PREVIOUS, window.previous)):
        users = users.join(lists_of(night, release, model), "user_id", "left")
    return users


def lists_of(night: Night, release: str | None, model: str) -> DataFrame:
    """Every user's list in a release, best first, in a column of the model's name; with the first source of each."""
    places = night.read(HISTORY)
    if release:
        made: date = release_named(night.lakehouse, release)["run_date"]
        places = places.where((F.col("run_date") == F.lit(made)) & (F.col("release") == release))
    else:
        places = places.where("false")
    best_first = F.array_sort(F.collect_list(F.struct("rank", "item_id", F.col("sources")[0].alias("source"))))
    lists = places.groupBy("user_id").agg(best_first.alias("places"))
    return lists.select("user_id", F.col("places.item_id").alias(model), F.col("places.source").alias(f"{model}_by"))


def eligible_items(night: Night, day: date) -> DataFrame:
    """`item_id`, `eligible` of the catalogue when the window began."""
    return catalogue_as_of(night.read("silver.items"), moments(night, [day])).select("item_id", "eligible")


def realised_by_model(night: Night, window: ServedWindow, users: DataFrame, eligible: DataFrame) -> DataFrame:
    """One row per user and model: hits and metrics."""
    length = night.domain.recommendations.per_user
    allowed = frozenset(row["item_id"] for row in eligible.where("eligible").toLocalIterator())
    heavy = users.where(F.col("events_total") >= NEW_EVENTS).agg(F.percentile_approx("events_total", 0.5)).first()
    listers = {
        SERVED: published(SERVED),
        PREVIOUS: published(PREVIOUS),
        POPULARITY: most_popular(popular_items(night, window.start, eligible), length),
        OWN_HISTORY: most_frequent(allowed),
    }
    measured = users.mapInArrow(realised(listers, length, (heavy and heavy[0]) or NEW_EVENTS), COLUMNS)
    # On the same users: only of those who had a list can anything be compared.
    return measured.join(users.where(F.col(SERVED).isNotNull()).select("user_id"), "user_id", "left_semi")


def popular_items(night: Night, day: date, eligible: DataFrame) -> list[str]:
    """The eligible items that people took most until the day, recent events counting more."""
    start = night.domain.start_of(day)
    age_days = (F.lit(int(start.timestamp() * 1e6)) - F.unix_micros("event_at")) / MICROSECONDS_PER_DAY
    events = night.read("silver.interactions").where((F.col("event_at") < F.lit(start)) & (F.col("weight") > 0))
    popularity = F.sum(F.col("weight") * F.pow(F.lit(0.5), age_days / HALF_LIFE_DAYS)).alias("popularity")
    found = events.groupBy("item_id").agg(popularity).join(eligible.where("eligible"), "item_id")
    return [row["item_id"] for row in found.orderBy(F.desc("popularity"), "item_id").limit(POPULAR).collect()]


def by_place(served: DataFrame) -> DataFrame:
    """Share of each place's items that were taken."""
    places = served.select("model", F.posexplode("hits").alias("pos", "hit"))
    return figures(places, F.format_string("place: %02d", F.col("pos") + 1), "hit_rate", hit_of("hit"), count())


def by_source(served: DataFrame, users: DataFrame) -> DataFrame:
    """Share of the items of each source, the first behind them, that were taken."""
    sources = users.select("user_id", F.col(f"{SERVED}_by").alias("sources"))
    pairs = served.join(sources, "user_id").select("model", F.explode(F.arrays_zip("hits", "sources")).alias("place"))
    part = F.concat(F.lit("source: "), F.coalesce("place.sources", F.lit("none")))
    return figures(pairs, part, "hit_rate", hit_of("place.hits"), count())


def by_day(night: Night, window: ServedWindow, served: DataFrame) -> DataFrame:
    """Recall of what users took on each day since publication."""
    days = taken_by_day(night, window).join(served.select("user_id", "model", "top_items"), "user_id")
    found = F.array_intersect("items", "top_items")
    return figures(
        days, F.format_string("day: %02d", "day"), "recall_of_list", F.size(found) / F.size("items"), count()
    )


def taken_by_day(night: Night, window: ServedWindow) -> DataFrame:
    """`user_id`, `day` since publication, `items` taken on it."""
    start, domain = night.domain.start_of(window.start), night.domain
    since = (F.unix_micros("event_at") - F.lit(int(start.timestamp() * 1e6))) / MICROSECONDS_PER_DAY
    events = night.read("silver.interactions").where(F.col("event_type").isin(domain.target_events))
    inside = events.withColumn("day", F.floor(since).cast("int")).where(F.col("day").between(0, window.days - 1))
    return inside.groupBy("user_id", "day").agg(F.collect_set("item_id").alias("items"))


def taken_items(night: Night, window: ServedWindow, users: DataFrame, eligible: DataFrame) -> DataFrame:
    """What became of the items that users took: listed, or why not."""
    of_user = users.select("user_id", F.explode("relevant").alias("item_id"), SERVED)
    known = of_user.join(eligible, "item_id", "left")
    fate = (
        F.when(F.col(SERVED).isNull(), "the user had no list")
        .when(F.array_contains(SERVED, F.col("item_id")), "listed")
        .when(F.col("eligible").isNull(), "not in the catalogue when the list was made")
        .when(~F.col("eligible"), "not available when the list was made")
        .otherwise("could have been listed")
    )
    every = known.select(F.concat(F.lit("taken: "), fate).alias("fate"))
    total = Window.partitionBy()
    shares = every.groupBy("fate").agg(F.count(F.lit(1)).alias("n")).withColumn("all", F.sum("n").over(total))
    return figures(
        shares.withColumn("model", F.lit(SERVED)),
        F.col("fate"),
        "share_of_taken",
        F.col("n") / F.col("all"),
        F.sum("n"),
    )


def hit_of(column: str) -> Column:
    """A hit as a number."""
    return F.col(column).cast("double")


def count() -> Column:
    """Rows."""
    return F.count(F.lit(1))
