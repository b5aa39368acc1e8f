"""Labels: what returning users took in the window after a snapshot."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.contracts.domain import Domain
from spark_jobs.recommender.snapshots.histories import without_events


def relevant_items(interactions: DataFrame, target_events: list[str], start: datetime, end: datetime) -> DataFrame:
    """`user_id`, `relevant` (sorted item ids) of target events with start ≤ event_at < end."""
    window = (F.col("event_at") >= F.lit(start)) & (F.col("event_at") < F.lit(end))
    taken = interactions.where(window & F.col("event_type").isin(target_events))
    return taken.groupBy("user_id").agg(F.array_sort(F.collect_set("item_id")).alias("relevant"))


def relevant_after(cut: date, days: int, domain: Domain, interactions: DataFrame, until: date = date.max) -> DataFrame:
    """The relevant items of every user in so many days from `cut` on, and before `until`."""
    end = min(cut + timedelta(days=days), until)
    return relevant_items(interactions, domain.target_events, domain.start_of(cut), domain.start_of(end))


def returning_users(histories: DataFrame, relevant: DataFrame) -> DataFrame:
    """Histories of users who had some before the snapshot and took something in the window, with `relevant`.

    Items the already-seen policy hides at the snapshot can't be recommended, so they don't count as relevant.
    """
    open_items = F.array_except("relevant", "blocked_item_ids")
    joined = histories.where(F.col("events_total") > 0).join(relevant, "user_id")
    return joined.withColumn("relevant", open_items).where(F.size("relevant") > 0)


def first_time_users(cut: date, histories: DataFrame, relevant: DataFrame) -> DataFrame:
    """Empty histories of users who had none before the cut and took something in the window, with `relevant`."""
    newcomers = relevant.join(histories.where(F.col("events_total") > 0), "user_id", "left_anti")
    return newcomers.select(F.lit(cut).alias("as_of"), "user_id", *without_events(), "relevant")


def a_few(users: DataFrame, count: int) -> DataFrame:
    """At most `count` users, chosen by a hash: the same ones whenever it is asked."""
    return users.orderBy(F.xxhash64("user_id", "as_of"), "user_id").limit(count)


def at_most(most: int, described: int, *users: DataFrame) -> list[DataFrame]:
    """The users of all frames where they are at most `most` together; else about so many, the same share of each.

    `described` bounds how many there can be: within `most` nothing is counted, which would join what each frame joins.
    """
    if described <= most or (found := sum(frame.count() for frame in users)) <= most:
        return list(users)
    return [hashed_share(frame, most / found) for frame in users]


def hashed_share(users: DataFrame, share: float, beyond: float = 0.0) -> DataFrame:
    """About this share of users, chosen by a hash of user and snapshot: the same ones whenever it is asked.

    Without those whom a smaller share, `beyond`, has chosen.
    """
    parts = 1_000_000
    lot = F.pmod(F.xxhash64("user_id", "as_of"), F.lit(parts))
    return users.where((lot >= int(parts * beyond)) & (lot < int(parts * share)))
