"""One row per user and snapshot: the latest events in time order, and what the rules block.

Reads silver.interactions and silver.users, writes gold.user_histories. Only events strictly before a snapshot
enter it. Users without events appear in tonight's snapshot alone, with empty histories, and with them the new user
that stands for everybody who is not known yet, where the domain wants one.
"""

from __future__ import annotations

import logging
from datetime import date, datetime

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.contracts.errors import NightjarError
from spark_jobs.lakehouse.night import Night
from spark_jobs.planning.snapshots import replace_snapshots
from spark_jobs.recommender.arrays.histories import histories_as_of, without_events

MOST_EVENTS = 100_000
"""Of one user: a thousand times what a history keeps."""

log = logging.getLogger("nightjar")


class NewUserIdTakenError(NightjarError):
    """A real user has the id that stands for unknown ones; the message says which setting to change."""


def run(night: Night) -> None:
    """Describe every user as of every snapshot that is not there yet."""
    interactions = night.require_rows("silver.interactions", "land interactions and run stage prepare from its start")

    excessive = users_with_excess(night)

    def build(days: list[date]) -> DataFrame:
        of_robots = F.col("user_id").isin(excessive)
        histories = histories_as_of(interactions.where(~of_robots) if excessive else interactions, night.domain, days)
        for day in days if excessive else []:
            latest = latest_events(interactions.where(of_robots), night.domain.start_of(day))
            histories = histories.unionByName(histories_as_of(latest, night.domain, [day]))
        return histories.unionByName(quiet_users(night, interactions)) if night.run_date in days else histories

    def rests_on(day: date) -> str:
        quiet = (
            night.read_version("silver.users")
            if day == night.run_date and night.lakehouse.exists("silver.users")
            else ""
        )
        new_user = night.domain.recommendations.new_user_id if day == night.run_date else None
        return f"{night.domain.rules.model_dump_json()} {sorted(night.domain.event_weights)} {quiet} {new_user or ''}"

    replace_snapshots(night, "gold.user_histories", build, rests_on=rests_on)


def users_with_excess(night: Night) -> list[str]:
    """Users with so many events that their history would need more memory than everybody else's; named in the log."""
    table = "silver.interactions"
    found = night.lakehouse.query(
        f"SELECT user_id, count(*) AS n FROM events GROUP BY user_id HAVING count(*) > {MOST_EVENTS} ORDER BY n DESC",
        events=(table, night.read_version(table)),
    ).to_pylist()
    for row in found[:5]:
        log.warning(
            "user %r has %s events, a robot's number: only the latest %s count. Leave such users out with where.",
            row["user_id"],
            f"{row['n']:,}",
            f"{MOST_EVENTS:,}",
        )
    return [row["user_id"] for row in found]


def latest_events(interactions: DataFrame, before: datetime) -> DataFrame:
    """Every user's latest events before a moment, `MOST_EVENTS` at most."""
    newest = Window.partitionBy("user_id").orderBy(F.desc("event_at"), "event_key")
    numbered = interactions.where(F.col("event_at") < F.lit(before)).withColumn("_n", F.row_number().over(newest))
    return numbered.where(F.col("_n") <= MOST_EVENTS).drop("_n")


def quiet_users(night: Night, interactions: DataFrame) -> DataFrame:
    """An empty history, tonight, for every known user without events, and for the domain's new user."""
    active = interactions.where(F.col("event_at") < F.lit(night.as_of)).select("user_id")
    known = night.read("silver.users").select("user_id")
    quiet = known.join(active, "user_id", "left_anti")
    if new_user := night.domain.recommendations.new_user_id:
        if not interactions.select("user_id").unionByName(known).where(F.col("user_id") == new_user).isEmpty():
            raise NewUserIdTakenError(
                f"recommendations.new_user_id is {new_user}, and a user has that id. Choose one that no user can have."
            )
        quiet = quiet.unionByName(night.spark.range(1).select(F.lit(new_user).alias("user_id")))
    return quiet.select(F.lit(night.run_date).alias("as_of"), "user_id", *without_events())
