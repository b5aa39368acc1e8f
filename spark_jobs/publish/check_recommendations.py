"""Check the staged lists against the rules they were made under, before anybody can read them.

Reads gold.recommendations_staged, gold.user_histories and gold.item_features; writes ops.quality_results. The rules
are evaluated again from the tables, not taken from the code that made the lists. A broken one stops the night.
"""

from __future__ import annotations

import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.lakehouse.night import Night

STAGED = "gold.recommendations_staged"
EXAMPLES = 5


class RuleBrokenError(RuntimeError):
    """Staged lists break rules; the message names each with its count and some rows."""


def run(night: Night) -> None:
    """Count what breaks each rule, record it, and stop at any."""
    joined, broken_by = listed_users(night), rules(night)
    counts = joined.agg(*[F.count_if(condition).alias(rule) for rule, condition in broken_by.items()]).collect()[0]
    results = [result(rule, counts[rule], joined, condition) for rule, condition in broken_by.items()]
    night.record("ops.quality_results", results)
    broken = [
        f"{r['expectation']}: {r['unexpected']} rows, such as {r['examples']}" for r in results if not r["success"]
    ]
    if broken:
        raise RuleBrokenError(f"{STAGED} breaks its rules; nothing was published. " + "; ".join(broken))


def listed_users(night: Night) -> DataFrame:
    """Every staged row beside its user and item as of tonight, and every user without a row."""
    tonight = F.col("as_of") == F.lit(night.run_date)
    users = night.read("gold.user_histories").where(tonight).select("user_id", "blocked_item_ids")
    items = night.read("gold.item_features").where(tonight).select("item_id", "eligible")
    lists = night.read(STAGED).select("user_id", "item_id", "rank", "run_date")
    return users.join(lists, "user_id", "full").join(F.broadcast(items), "item_id", "left")


def rules(night: Night) -> dict[str, Column]:
    """Every rule with the condition that a row which breaks it fulfils."""
    listed, known = F.col("rank").isNotNull(), F.col("blocked_item_ids").isNotNull()
    offered = pc.sum(night.rows("gold.item_features", as_of=night.run_date)["eligible"]).as_py() or 0
    per_user = night.domain.recommendations.per_user
    return {
        "no item that the already-seen policy hides": listed & F.array_contains("blocked_item_ids", F.col("item_id")),
        "only items available on the run date": listed & ~F.coalesce("eligible", F.lit(False)),
        "only known users": listed & ~known,
        "a list for every user who has something left to see": ~listed & (F.size("blocked_item_ids") < offered),
        "made for this run date": listed & (F.col("run_date") != F.lit(night.run_date)),
        "no longer than the domain asks for": listed & (F.col("rank") > per_user),
    }


def result(rule: str, count: int, joined: DataFrame, condition: Column) -> dict[str, object]:
    """One row of ops.quality_results, with some of the rows that break the rule."""
    rows = joined.where(condition).drop("blocked_item_ids").limit(EXAMPLES).collect() if count else []
    return {
        "table": STAGED,
        "expectation": rule,
        "severity": "critical",
        "success": not count,
        "unexpected": count,
        "examples": str([row.asDict() for row in rows]) if rows else None,
    }
