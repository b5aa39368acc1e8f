"""Metrics of the new ranker, the champion and every source on the newest window, on the same users.

Reads the snapshot tables and silver.interactions, writes gold.evaluation_users and ops.model_metrics, and adds
metrics and plots to the MLflow run of the version. What is measured never saw the test window: both rankers are
measured as they were fitted before theirs.
"""

from __future__ import annotations

import logging
import tempfile
from datetime import timedelta
from functools import partial
from pathlib import Path

import xgboost as xgb
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.lakehouse.calendar import training_cuts
from spark_jobs.lakehouse.decisions import champion
from spark_jobs.lakehouse.night import Night
from spark_jobs.recommender.evaluation.evaluator import CHAMPION, COLUMNS, RANKER, SUMMARY_COLUMNS, evaluator, summarise
from spark_jobs.recommender.indexing import index_as_of
from spark_jobs.recommender.ranking.labels import relevant_after, returning_users
from spark_jobs.recommender.ranking.ranker import FeatureMismatchError, feature_importance, to_bytes
from spark_jobs.registry.model_registry import ModelNotFoundError, ModelRegistry, Version
from spark_jobs.reports.plots import contender_plot, importance_plot


def run(night: Night) -> None:
    """Evaluate the version trained tonight."""
    registry = ModelRegistry(night.settings, night.domain)
    version = registry.require_trained_on(night.run_date)
    booster = registry.load(version.number)
    tested = to_bytes(registry.load_tested(version.number))
    evaluate(night, version, {RANKER: tested} | serving(night, registry))
    rows = [row | {"model_version": version.number} for row in summary(night.read("gold.evaluation_users"))]
    night.record("ops.model_metrics", rows)
    log(registry, version, booster, rows)


def serving(night: Night, registry: ModelRegistry) -> dict[str, bytes]:
    """The champion of earlier nights, to be measured on the same users; none where there is none that can be."""
    earlier = champion(night.lakehouse, until=night.run_date - timedelta(days=1))
    if earlier is None:
        return {}
    try:
        return {CHAMPION: to_bytes(registry.load_tested(earlier))}
    except (ModelNotFoundError, FeatureMismatchError) as error:
        logging.getLogger("nightjar").warning("the champion is not evaluated: %s", error)
        return {}


def evaluate(night: Night, version: Version, models: dict[str, bytes]) -> None:
    """Write one row per user and contender for the window after the newest cut."""
    cut = training_cuts(night)[0]
    relevant = relevant_after(cut, night.domain, night.read("silver.interactions"))
    histories = night.read("gold.user_histories").where(F.col("as_of") == F.lit(cut))
    context = night.spark.sparkContext
    index, shared = context.broadcast(index_as_of(partial(night.rows, as_of=cut))), context.broadcast(models)
    users = returning_users(histories, relevant)
    evaluated = users.mapInArrow(evaluator(index, shared), COLUMNS).withColumn("as_of", F.lit(cut))
    night.replace("gold.evaluation_users", evaluated.withColumn("model_version", F.lit(version.number)))
    for one in (index, shared):
        one.destroy()


def summary(evaluated: DataFrame) -> list[dict[str, float | str]]:
    """Mean and interval of every metric by contender."""
    found = evaluated.groupBy("contender").applyInArrow(summarise, SUMMARY_COLUMNS)
    return [row.asDict() for row in found.orderBy("contender", "metric").collect()]


def log(registry: ModelRegistry, version: Version, booster: xgb.Booster, rows: list[dict[str, float | str]]) -> None:
    """Send the figures to MLflow: the ranker's by name, the others' with the contender in front."""
    metrics = {
        (str(row["metric"]) if row["contender"] == RANKER else f"{row['contender']}_{row['metric']}"): float(
            row["value"]
        )
        for row in rows
    }
    with tempfile.TemporaryDirectory() as folder:
        plots = [contender_plot(rows, name, Path(folder) / f"{name}.png") for name in ("ndcg_at_10", "recall_at_20")]
        plots.append(importance_plot(feature_importance(booster), Path(folder) / "feature_importance.png"))
        registry.log_evaluation(version, metrics, plots)
