"""Publish the checked lists: what is served is replaced in one commit, and what this date published is kept.

Reads gold.recommendations_staged; writes gold.recommendation_history, gold.recommendations, ops.releases and
ops.decisions. A rerun of a past date never replaces newer lists that are already served.
"""

from __future__ import annotations

import hashlib

from pyspark.sql import functions as F

from spark_jobs.lakehouse.night import Night

SERVED = "gold.recommendations"


def run(night: Night) -> None:
    """Publish tonight's release."""
    staged = night.require_rows("gold.recommendations_staged", "run the score stage first")
    release = staged.select("release", "model_version").first()
    night.replace("gold.recommendation_history", staged, where=f"run_date = '{night.run_date}'")
    newest = night.read(SERVED).agg(F.max("run_date").alias("run_date")).collect()[0]["run_date"]
    serve = newest is None or newest <= night.run_date
    if serve:
        night.replace(SERVED, staged)
    counted = staged.agg(F.countDistinct("user_id").alias("users"), F.count(F.lit(1)).alias("rows")).collect()[0]
    night.record(
        "ops.releases",
        [
            {
                **(release.asDict() if release else {}),
                **counted.asDict(),
                "inputs": {name: night.pin(name) for name in ("silver.interactions", "silver.items")},
                "domain_digest": hashlib.sha256(night.domain.model_dump_json().encode()).hexdigest(),
                "code_version": night.code_version,
                "serving": serve,
            }
        ],
    )
    reason = "all checks passed" if serve else f"lists of the later date {newest} are served"
    night.record("ops.decisions", [{"decision": "publish", "outcome": "yes" if serve else "no", "reason": reason}])
