"""Make the version trained tonight champion if it beats the baselines.

Reads ops.model_metrics, writes one row to ops.decisions. A first model is promoted even if it does not, with the
reason written down: lists of a weak ranker are better than none.
"""

from __future__ import annotations

from pyspark.sql import functions as F

from spark_jobs.lakehouse.night import Night
from spark_jobs.recommender.evaluation.promotion import judge
from spark_jobs.registry.models import ModelNotFoundError, set_champion, trained_tonight


def run(night: Night) -> None:
    """Decide, write it down, and move the alias."""
    version = trained_tonight(night)
    if version is None:
        raise ModelNotFoundError(
            f"No model version was trained for {night.run_date}; run the train stage from its start."
        )
    champion = champion_before(night)
    promote, reason = judge(ndcg_by_contender(night, version.number), first=champion is None)
    night.record(
        "ops.decisions",
        [
            {
                "decision": "promote",
                "outcome": "yes" if promote else "no",
                "reason": reason,
                "model_version": version.number,
            }
        ],
    )
    if promote:
        set_champion(night, version.number)


def champion_before(night: Night) -> str | None:
    """Version promoted by the latest earlier night."""
    promoted = night.read("ops.decisions").where(
        (F.col("decision") == "promote") & (F.col("outcome") == "yes") & (F.col("run_date") < F.lit(night.run_date))
    )
    latest = promoted.orderBy(F.desc("run_date"), F.desc("recorded_at")).first()
    return latest["model_version"] if latest else None


def ndcg_by_contender(night: Night, version: str) -> dict[str, float]:
    """NDCG@10 of the latest evaluation of the version, by contender."""
    rows = night.read("ops.model_metrics").where(
        (F.col("model_version") == version) & (F.col("metric") == "ndcg_at_10")
    )
    return {row.contender: row.value for row in rows.orderBy("recorded_at").collect()}
