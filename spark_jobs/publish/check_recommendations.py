"""Check the staged lists against the rules they were made under, before anybody can read them.

Reads gold.recommendations_staged, gold.user_histories and gold.item_features; writes ops.quality_results. The rules
are evaluated again from the tables, not taken from the code that made the lists. A broken one stops the night.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.lakehouse.night import Night

STAGED = "gold.recommendations_staged"


class RuleBrokenError(RuntimeError):
    """Staged lists break rules; the message names each with its count and some rows."""


@dataclass(frozen=True)
class Violation:
    """A rule and the staged rows (or users) that break it."""

    rule: str
    rows: DataFrame


def run(night: Night) -> None:
    """Count what breaks each rule, record it, and stop at any."""
    results = [judge(violation) for violation in violations(night)]
    night.record("ops.quality_results", results)
    broken = [
        f"{r['expectation']}: {r['unexpected']} rows, such as {r['examples']}" for r in results if not r["success"]
    ]
    if broken:
        raise RuleBrokenError(f"{STAGED} breaks its rules; nothing was published. " + "; ".join(broken))


def violations(night: Night) -> list[Violation]:
    """Every rule with the rows that break it."""
    lists = night.read(STAGED)
    tonight = F.col("as_of") == F.lit(night.run_date)
    histories = night.read("gold.user_histories").where(tonight)
    items = night.read("gold.item_features").where(tonight)
    blocked = histories.select("user_id", F.explode("blocked_item_ids").alias("item_id"))
    offered = items.where("eligible").select("item_id")
    return [
        Violation(
            "no item that the already-seen policy hides", lists.join(blocked, ["user_id", "item_id"], "left_semi")
        ),
        Violation("only items available on the run date", lists.join(offered, "item_id", "left_anti")),
        Violation("only known users", lists.join(histories, "user_id", "left_anti")),
        Violation(
            "a list for every user who has something left to see",
            histories.join(lists, "user_id", "left_anti")
            .where(F.size("blocked_item_ids") < offered.count())
            .select("user_id"),
        ),
        Violation("made for this run date", lists.where(F.col("run_date") != F.lit(night.run_date))),
        Violation(
            "no longer than the domain asks for", lists.where(F.col("rank") > night.domain.recommendations.per_user)
        ),
    ]


def judge(violation: Violation) -> dict[str, object]:
    """One row of ops.quality_results."""
    examples = [row.asDict() for row in violation.rows.drop("sources", "reason", "title").limit(5).collect()]
    return {
        "table": STAGED,
        "expectation": violation.rule,
        "severity": "critical",
        "success": not examples,
        "unexpected": violation.rows.count() if examples else 0,
        "examples": str(examples) if examples else None,
    }
