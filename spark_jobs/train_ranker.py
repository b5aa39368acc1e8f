"""Fit LambdaMART on the training examples, log it to MLflow and register the version.

Reads gold.training_examples. A rerun of the same date on equal examples finds the version it registered and
trains nothing.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import xgboost as xgb
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from xgboost.spark import SparkXGBRanker

from spark_jobs.adapters.device import DeviceError, training_device
from spark_jobs.adapters.models import register, trained_tonight
from spark_jobs.adapters.night import Night
from spark_jobs.contracts.features import FEATURE_NAMES, FEATURES

PARAMS: dict[str, Any] = {
    "objective": "rank:ndcg",
    "eval_metric": "ndcg@10",
    "lambdarank_pair_method": "topk",
    "lambdarank_num_pair_per_sample": 10,
    "n_estimators": 200,
    "early_stopping_rounds": 25,
    "learning_rate": 0.06,
    "max_depth": 6,
    "min_child_weight": 10.0,
    "max_bin": 64,
    "random_state": 1,
}


def run(night: Night) -> None:
    """Train unless equal examples already gave a version at this date."""
    examples = night.require_rows("gold.training_examples", "no user took anything in the label windows")
    digest = content_digest(examples)
    if trained_tonight(night, digest):
        return
    device = training_device(night.settings.device)
    booster, curve = fit(examples, device)
    register(night, booster, {**PARAMS, "device": device, "examples": examples.count()}, curve, digest)


def content_digest(examples: DataFrame) -> str:
    """A digest of the rows in any order, and of the parameters: equal digests give equal models."""
    rows = examples.agg(
        F.count(F.lit(1)).alias("count"), F.sum(F.xxhash64(*examples.columns).cast("decimal(38,0)")).alias("hashes")
    ).collect()[0]
    text = f"{rows['count']} {rows['hashes']} {json.dumps(PARAMS, sort_keys=True)}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def fit(examples: DataFrame, device: str) -> tuple[xgb.Booster, dict[str, list[float]]]:
    """The booster cut at its best iteration, and the learning curve by metric.

    Raises DeviceError where XGBoost silently trained elsewhere than asked.
    """
    ranker = SparkXGBRanker(
        features_col=list(FEATURE_NAMES),
        label_col="label",
        qid_col="query",
        validation_indicator_col="is_validation",
        num_workers=1,
        # Without it a frame of as many partitions as workers is not repartitioned, and queries are split.
        force_repartition=True,
        device=device,
        missing=float("nan"),
        monotone_constraints="(" + ",".join(str(feature.monotone) for feature in FEATURES) + ")",
        **PARAMS,
    )
    rows = examples.withColumn("is_validation", F.col("split") == "validation")
    model = ranker.fit(rows.orderBy("query", "item_id"))
    booster: xgb.Booster = model.get_booster()
    trained_on = json.loads(booster.save_config())["learner"]["generic_param"]["device"]
    if not trained_on.startswith(device):
        raise DeviceError(f"Asked XGBoost to train on {device}, but it trained on {trained_on}.")
    # get_booster() keeps every round; the ones after the best only overfit.
    best: xgb.Booster = booster[: booster.best_iteration + 1]
    best.feature_names = list(FEATURE_NAMES)
    return best, _curve(model)


def _curve(model: Any) -> dict[str, list[float]]:
    summary = model.training_summary
    return {
        **{f"train_{name}": list(values) for name, values in summary.train_objective_history.items()},
        **{f"validation_{name}": list(values) for name, values in summary.validation_objective_history.items()},
    }
