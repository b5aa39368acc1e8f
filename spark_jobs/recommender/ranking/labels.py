"""Labels: what returning users took in the window after a snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.contracts.domain import Domain
from spark_jobs.recommender.arrays.histories import without_events


def relevant_after(
    cutoffs: Sequence[date], days: int, domain: Domain, interactions: DataFrame, *, tested: date | None = None
) -> DataFrame:
    """`as_of` (a cutoff), `user_id`, `relevant`: sorted item ids of target events in so many days from the cutoff on.

    With `tested`, a day, the column of that name lists those of them taken before it. One pass over the events, however
    many cutoffs.
    """
    windows = {cutoff: (domain.start_of(cutoff), domain.start_of(cutoff + timedelta(days=days))) for cutoff in cutoffs}
    starts, ends = zip(*windows.values(), strict=True)
    at = F.col("event_at")
    # The outermost bounds as well: files without any such event are not read.
    targets = interactions.where(F.col("event_type").isin(domain.target_events)).where(
        (at >= F.lit(min(starts))) & (at < F.lit(max(ends)))
    )
    holding = [
        F.when((at >= F.lit(start)) & (at < F.lit(end)), F.lit(cutoff)) for cutoff, (start, end) in windows.items()
    ]
    labelled = targets.select(F.explode(F.array(*holding)).alias("as_of"), "user_id", "item_id", "event_at").where(
        "as_of IS NOT NULL"
    )
    sets = [F.array_sort(F.collect_set("item_id")).alias("relevant")]
    if tested:
        before = F.when(at < F.lit(domain.start_of(tested)), F.col("item_id"))
        sets.append(F.array_sort(F.collect_set(before)).alias("tested"))
    return labelled.groupBy("as_of", "user_id").agg(*sets)


def returning_users(histories: DataFrame, relevant: DataFrame) -> DataFrame:
    """Histories of users who had some before the snapshot and took something in the window, with `relevant`.

    Items the already-seen policy hides at the snapshot can't be recommended, so they don't count as relevant.
    """
    open_items = F.array_except("relevant", "blocked_item_ids")
    joined = histories.where(F.col("events_total") > 0).join(relevant, ["as_of", "user_id"])
    return joined.withColumn("relevant", open_items).where(F.size("relevant") > 0)


def first_time_users(histories: DataFrame, relevant: DataFrame) -> DataFrame:
    """Empty histories of users who had none before the cutoff and took something in the window, with `relevant`."""
    new_users = relevant.join(histories.where(F.col("events_total") > 0), ["as_of", "user_id"], "left_anti")
    return new_users.select(*relevant.columns, *without_events())


def a_few(users: DataFrame, count: int) -> DataFrame:
    """At most `count` users of each snapshot, chosen by a hash: the same ones whenever it is asked."""
    drawn = Window.partitionBy("as_of").orderBy(F.xxhash64("user_id", "as_of"), "user_id")
    return users.withColumn("place", F.row_number().over(drawn)).where(F.col("place") <= count).drop("place")


def at_most(most: int, described: int, *users: DataFrame) -> list[DataFrame]:
    """The users of all frames where they are at most `most` together; else about so many, the same share of each.

    `described` bounds how many there can be: within `most` nothing is counted, which would join what each frame joins.
    """
    if described <= most or (total := sum(frame.count() for frame in users)) <= most:
        return list(users)
    return [hashed_share(frame, most / total) for frame in users]


def hashed_share(users: DataFrame, share: float, beyond: float = 0.0) -> DataFrame:
    """About this share of users, chosen by a hash of user and snapshot: the same ones whenever it is asked.

    Without those whom a smaller share, `beyond`, has chosen.
    """
    parts = 1_000_000
    lot = F.pmod(F.xxhash64("user_id", "as_of"), F.lit(parts))
    return users.where((lot >= int(parts * beyond)) & (lot < int(parts * share)))
