"""One row per user and snapshot: the latest events in time order, and what the rules block.

Reads silver.interactions and silver.users, writes gold.user_histories. Only events strictly before a snapshot
enter it. Users without events appear in tonight's snapshot alone, with empty histories.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.contracts.domain import AllowAfter, Domain
from spark_jobs.lakehouse.calendar import snapshot_moments
from spark_jobs.lakehouse.night import Night
from spark_jobs.recommender.snapshots.as_of import events_before


def run(night: Night) -> None:
    """Describe every user as of every snapshot of tonight."""
    interactions = night.require_rows("silver.interactions", "land interactions and run the clean stage first")
    events = events_before(interactions, snapshot_moments(night))
    histories = collect_histories(events, night.domain)
    night.replace("gold.user_histories", with_quiet_users(histories, night))


def collect_histories(events: DataFrame, domain: Domain) -> DataFrame:
    """Arrays of the latest events, oldest first; ties in time are ordered by event key."""
    event = F.struct(F.col("age_days").alias("age"), F.col("event_key").alias("key"), "item_id", "weight")
    latest = F.reverse(F.slice(F.array_sort(F.collect_list(event)), 1, domain.recommendations.history_events))
    grouped = events.groupBy("as_of", "user_id").agg(
        latest.alias("latest"),
        F.count(F.lit(1)).alias("events_total"),
        F.max("age_days").alias("tenure_days"),
        F.array_sort(F.collect_set(F.when(blocks(domain), F.col("item_id")))).alias("blocked_item_ids"),
    )
    return grouped.select(
        "as_of",
        "user_id",
        F.col("latest.item_id").alias("item_ids"),
        F.col("latest.weight").alias("weights"),
        F.col("latest.age").alias("ages_days"),
        "events_total",
        "tenure_days",
        "blocked_item_ids",
    )


def blocks(domain: Domain) -> Column:
    """Whether an event hides its item from its user at the snapshot, by the domain's already-seen policy."""
    blocked = F.lit(False)
    for event_type in domain.event_weights:
        policy = domain.seen_policy(event_type)
        of_type = F.col("event_type") == event_type
        if policy == "hide":
            blocked = blocked | of_type
        elif isinstance(policy, AllowAfter):
            blocked = blocked | (of_type & (F.col("age_days") < policy.allow_after_days))
    return blocked


def with_quiet_users(histories: DataFrame, night: Night) -> DataFrame:
    """Histories plus an empty one, tonight, for every known user without events."""
    tonight = histories.where(F.col("as_of") == F.lit(night.run_date)).select("user_id")
    quiet = night.read("silver.users").select("user_id").join(tonight, "user_id", "left_anti")
    empty = quiet.select(
        F.lit(night.run_date).alias("as_of"),
        "user_id",
        F.expr("cast(array() as array<string>)").alias("item_ids"),
        F.expr("cast(array() as array<double>)").alias("weights"),
        F.expr("cast(array() as array<double>)").alias("ages_days"),
        F.lit(0).cast("bigint").alias("events_total"),
        F.lit(float("nan")).alias("tenure_days"),
        F.expr("cast(array() as array<string>)").alias("blocked_item_ids"),
    )
    return histories.unionByName(empty)
