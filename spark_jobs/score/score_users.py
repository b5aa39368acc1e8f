"""Score every user with the champion into the staging table.

Reads tonight's snapshot tables, writes gold.recommendations_staged. Candidates, features, scores, rules and reasons
of a user are computed inside one vectorised Arrow function; nothing of size users × items is ever written.
"""

from __future__ import annotations

from pyspark.sql import functions as F

from spark_jobs.lakehouse.night import Night
from spark_jobs.recommender.ranking.lists import COLUMNS, list_maker
from spark_jobs.recommender.snapshots.retrieval_index import index_as_of
from spark_jobs.registry.models import ModelNotFoundError, load_bytes


class SnapshotGoneError(RuntimeError):
    """Tonight's snapshot is not there; the message says why that can be."""


def run(night: Night) -> None:
    """Make tonight's lists."""
    version = champion(night)
    histories = night.read("gold.user_histories").where(F.col("as_of") == F.lit(night.run_date))
    if histories.isEmpty():
        raise SnapshotGoneError(
            f"gold.user_histories holds no snapshot of {night.run_date}: another night of {night.domain.domain}"
            " replaced it, or the snapshot stage did not run."
            " Run this night again from its start, while no other one runs."
        )
    tables = [night.read(f"gold.{name}") for name in ("item_features", "item_neighbours", "item_factors")]
    context = night.spark.sparkContext
    index = context.broadcast(index_as_of(night.run_date, *tables))
    model = context.broadcast(load_bytes(night, version))
    lists = histories.mapInArrow(list_maker(index, model, night.domain.recommendations.per_user), COLUMNS)
    night.replace(
        "gold.recommendations_staged",
        lists.withColumns(
            {
                "run_date": F.lit(night.run_date),
                "release": F.lit(f"{night.domain.domain}-{night.run_date}-m{version}"),
                "model_version": F.lit(version),
            }
        ),
    )


def champion(night: Night) -> str:
    """The version promoted last up to tonight, so that a rerun of a past date scores with that date's champion."""
    promoted = night.read("ops.decisions").where(
        (F.col("decision") == "promote") & (F.col("outcome") == "yes") & (F.col("run_date") <= F.lit(night.run_date))
    )
    latest = promoted.orderBy(F.desc("run_date"), F.desc("recorded_at")).first()
    if latest is None:
        raise ModelNotFoundError(
            f"No champion for {night.domain.domain} up to {night.run_date}: run the night with --force-training."
        )
    return str(latest["model_version"])
