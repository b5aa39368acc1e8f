"""Check the staged lists against the rules they were made under, before anybody can read them.

Reads gold.recommendations_staged, gold.user_histories and gold.item_features; writes ops.quality_results. The rules
are evaluated again from the tables, not taken from the code that made the lists. A broken one stops the night.
"""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.contracts.domain.policies import Rules
from spark_jobs.contracts.errors import NightjarError
from spark_jobs.lakehouse.night import Night
from spark_jobs.ledgers import quality_results
from spark_jobs.ledgers.quality_results import QualityResult
from spark_jobs.ledgers.releases import STAGED
from spark_jobs.recommender.ranking.shaping import PINNED
from spark_jobs.recommender.sources import sources_on

EXAMPLES = 5


class ListCheckError(NightjarError):
    """Staged lists break rules; the message names each with its count and some rows."""


def run(night: Night) -> None:
    """Count what breaks each rule, record it, and stop at any."""
    joined, broken_by = listed_users(night), list_checks(night)
    counts = joined.agg(*[F.count_if(condition).alias(rule) for rule, condition in broken_by.items()]).collect()[0]
    results = [result(rule, counts[rule], joined, condition) for rule, condition in broken_by.items()]
    quality_results.record(night, results)
    broken = [f"{one.expectation}: {one.unexpected} rows, such as {one.examples}" for one in results if not one.success]
    if broken:
        raise ListCheckError(f"{STAGED} breaks its rules; nothing was published. " + "; ".join(broken))


def listed_users(night: Night) -> DataFrame:
    """Every staged row beside its user and item as of tonight, and every user without a row."""
    tonight = F.col("as_of") == F.lit(night.run_date)
    users = night.read("gold.user_histories").where(tonight).select("user_id", "blocked_item_ids")
    items = night.read("gold.item_features").where(tonight).select("item_id", "eligible", "categories")
    lists = night.read(STAGED).select("user_id", "item_id", "rank", "run_date", F.col("sources")[0].alias("source"))
    listed = users.join(lists, "user_id", "full").join(F.broadcast(items), "item_id", "left")
    listed = with_places_of_pins(night, with_something_left(night, listed), lists)
    return listed if night.domain.rules.max_per_category is None else with_places_in_categories(listed)


def with_something_left(night: Night, listed: DataFrame) -> DataFrame:
    """Rows with `left_to_see`: whether an item that popularity can propose is left for a user without a list.

    What nobody took yet no source proposes to everybody, so that a user who has seen all that was taken has no list.
    """
    items = night.rows("gold.item_features", as_of=night.run_date)
    blocked = blocked_by_rules(night.domain.rules, items, night.run_date)
    on = sources_on(night.domain.sources) & {"popularity", "recent_popularity"}
    popular = pc.and_(pc.and_not(items["eligible"], blocked), pc.greater(items["popularity_all"], 0.0))
    offered = items.filter(popular)["item_id"].to_pylist() if on else []
    seen = (
        listed.where("rank IS NULL")
        .select("user_id", F.explode("blocked_item_ids").alias("item_id"))
        .join(F.broadcast(night.spark.createDataFrame([(item,) for item in offered], "item_id string")), "item_id")
        .groupBy("user_id")
        .agg(F.countDistinct("item_id").alias("seen"))
    )
    left = F.coalesce("seen", F.lit(0)) < len(offered)
    return listed.join(seen, "user_id", "left").withColumn("left_to_see", left).drop("seen")


def blocked_by_rules(rules: Rules, items: pa.Table, run_date: date) -> pa.Array:
    """bool per item: a rule blocks it, or a category of it."""
    blocks = [rule for rule in rules.block if rule.holds(run_date)]
    names, categories = ({value for rule in blocks if (value := getattr(rule, kind))} for kind in ("item", "category"))
    return pa.array(
        [
            item in names or not categories.isdisjoint(of_item)
            for item, of_item in zip(items["item_id"].to_pylist(), items["categories"].to_pylist(), strict=True)
        ],
        pa.bool_(),
    )


def with_places_of_pins(night: Night, listed: DataFrame, lists: DataFrame) -> DataFrame:
    """Rows with `pinned_at`: from each pinned item to its place in the user's list."""
    pins = [pin.item for pin in night.domain.rules.pin]
    if not pins:
        return listed
    places = F.map_from_entries(F.collect_list(F.struct("item_id", "rank"))).alias("pinned_at")
    pinned = lists.where(F.col("item_id").isin(pins)).groupBy("user_id").agg(places)
    return listed.join(pinned, "user_id", "left")


def list_checks(night: Night) -> dict[str, Column]:
    """Every rule with the condition that a row which breaks it fulfils."""
    listed, known = F.col("rank").isNotNull(), F.col("blocked_item_ids").isNotNull()
    per_user = night.domain.recommendations.per_user
    return business_checks(night) | {
        "no item that the already-seen policy hides": listed & F.array_contains("blocked_item_ids", F.col("item_id")),
        "only items available on the run date": listed & ~F.coalesce("eligible", F.lit(False)),
        "only known users": listed & ~known,
        "a list for every user who has something left to see": ~listed & F.col("left_to_see"),
        "made for this run date": listed & (F.col("run_date") != F.lit(night.run_date)),
        "no longer than the domain asks for": listed & (F.col("rank") > per_user),
    }


def business_checks(night: Night) -> dict[str, Column]:
    """What people decided about lists, as far as it holds tonight."""
    rules, listed = night.domain.rules, F.col("rank").isNotNull()
    blocks = [rule for rule in rules.block if rule.holds(night.run_date)]
    items, categories = ([value for rule in blocks if (value := getattr(rule, kind))] for kind in ("item", "category"))
    checks: dict[str, Column] = {}
    if blocks:
        of_category = F.exists("categories", lambda category: category.isin(categories))
        checks["nothing that the domain file blocks"] = listed & (F.col("item_id").isin(items) | of_category)
    pinned = pc.field("item_id").isin(pa.array([pin.item for pin in rules.pin], pa.string()))
    named = night.rows("gold.item_features", as_of=night.run_date).filter(pinned)
    catalogue = {row["item_id"]: row for row in named.select(["item_id", "eligible", "categories"]).to_pylist()}
    for pin in rules.pin:
        entry = catalogue.get(pin.item)
        if not pin.holds(night.run_date) or not entry or not entry["eligible"]:
            continue
        if pin.item not in items and not set(entry["categories"]) & set(categories):
            # In a list that is too short for it, a pin takes the last place.
            earlier = F.coalesce(F.col("pinned_at")[pin.item] < pin.place, F.lit(False))
            other = (F.col("rank") == pin.place) & (F.col("item_id") != pin.item) & ~earlier
            checks[f"item {pin.item} at place {pin.place}"] = other & ~F.array_contains("blocked_item_ids", pin.item)
    if rules.max_per_category is not None:
        checks[f"at most {rules.max_per_category} items of a category"] = F.col("of_category") > rules.max_per_category
    return checks


def with_places_in_categories(listed: DataFrame) -> DataFrame:
    """Listed rows with `of_category`: which of its user's items of a category each is, pinned ones aside."""
    own = listed.where(F.col("source") != PINNED).select(
        "user_id", "item_id", "rank", F.explode(F.array_distinct("categories")).alias("c")
    )
    numbered = own.withColumn("of_category", F.row_number().over(Window.partitionBy("user_id", "c").orderBy("rank")))
    most = numbered.groupBy("user_id", "item_id").agg(F.max("of_category").alias("of_category"))
    return listed.join(most, ["user_id", "item_id"], "left")


def result(rule: str, count: int, joined: DataFrame, condition: Column) -> QualityResult:
    """One row of ops.quality_results, with some of the rows that break the rule."""
    rows = joined.where(condition).drop("blocked_item_ids").limit(EXAMPLES).collect() if count else []
    examples = str([row.asDict() for row in rows]) if rows else None
    return QualityResult(STAGED, rule, "critical", not count, count, examples)
