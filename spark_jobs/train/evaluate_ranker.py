"""Metrics of the new ranker, every source and the baselines on the newest window, on the same users.

Reads the snapshot tables and silver.interactions, writes gold.evaluation_users and ops.model_metrics, and adds
metrics and plots to the MLflow run of the version. No model saw the test window.
"""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

import xgboost as xgb
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.contracts.features import RANKER
from spark_jobs.lakehouse.night import Night
from spark_jobs.recommender.evaluation.evaluator import COLUMNS, SUMMARY_COLUMNS, evaluator, summarise
from spark_jobs.recommender.ranking.labels import relevant_items, returning_users
from spark_jobs.recommender.snapshots.retrieval_index import index_as_of
from spark_jobs.registry.models import (
    ModelNotFoundError,
    Version,
    feature_importance,
    load_bytes,
    log_evaluation,
    trained_tonight,
)
from spark_jobs.reports.plots import contender_plot, importance_plot


def run(night: Night) -> None:
    """Evaluate the version trained tonight."""
    version = trained_tonight(night)
    if version is None:
        raise ModelNotFoundError(
            f"No model version was trained for {night.run_date}; run the train stage from its start."
        )
    model = load_bytes(night, version.number)
    night.replace("gold.evaluation_users", evaluate(night, model).withColumn("model_version", F.lit(version.number)))
    evaluated = night.read("gold.evaluation_users")
    summary = evaluated.groupBy("contender").applyInArrow(summarise, SUMMARY_COLUMNS)
    rows = [
        row.asDict() | {"model_version": version.number} for row in summary.orderBy("contender", "metric").collect()
    ]
    night.record("ops.model_metrics", rows)
    log(night, version, model, rows)


def evaluate(night: Night, model: bytes) -> DataFrame:
    """One row per user and contender for the window after the newest cut."""
    domain, cut = night.domain, night.training_cuts()[0]
    end = cut + timedelta(days=domain.train.window_days)
    relevant = relevant_items(
        night.read("silver.interactions"), domain.target_events, domain.start_of(cut), domain.start_of(end)
    )
    histories = night.read("gold.user_histories").where(F.col("as_of") == F.lit(cut))
    tables = [night.read(f"gold.{name}") for name in ("item_features", "item_neighbours", "item_factors")]
    context = night.spark.sparkContext
    index, booster = context.broadcast(index_as_of(cut, *tables)), context.broadcast(model)
    users = returning_users(histories, relevant)
    return users.mapInArrow(evaluator(index, booster), COLUMNS).withColumn("as_of", F.lit(cut))


def log(night: Night, version: Version, model: bytes, rows: list[dict[str, float | str]]) -> None:
    """Send the figures to MLflow: the ranker's by name, the others' with the contender in front."""
    metrics = {
        (str(row["metric"]) if row["contender"] == RANKER else f"{row['contender']}_{row['metric']}"): float(
            row["value"]
        )
        for row in rows
    }
    with tempfile.TemporaryDirectory() as folder:
        plots = [contender_plot(rows, name, Path(folder) / f"{name}.png") for name in ("ndcg_at_10", "recall_at_20")]
        importance = feature_importance(xgb.Booster(model_file=bytearray(model)))
        plots.append(importance_plot(importance, Path(folder) / "feature_importance.png"))
        log_evaluation(night, version, metrics, plots)
