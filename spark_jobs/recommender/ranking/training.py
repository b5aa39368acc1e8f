"""Fit LambdaMART on training examples with XGBoost on Spark."""

from __future__ import annotations

import hashlib
import json
import logging
from typing import Any

import xgboost as xgb
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from xgboost.spark import SparkXGBRanker

from spark_jobs.recommender.features.vocabulary import FEATURE_NAMES, FEATURES
from spark_jobs.recommender.ranking.device import DeviceError

logging.getLogger("XGBoost-PySpark").setLevel(logging.WARNING)

PARAMS: dict[str, Any] = {
    "objective": "rank:ndcg",
    "eval_metric": "ndcg@10",
    "lambdarank_pair_method": "topk",
    "lambdarank_num_pair_per_sample": 10,
    # A fixed number of small trees: stopping early on a validation window costs more than it saves, since that
    # window is the newest evidence there is and its metric is noisy.
    "n_estimators": 120,
    "learning_rate": 0.06,
    "max_depth": 4,
    "min_child_weight": 5.0,
    "max_bin": 64,
    "random_state": 1,
}


TREES: int = PARAMS["n_estimators"]
TREE_PARAMS = {name: value for name, value in PARAMS.items() if name not in ("n_estimators", "random_state")}
TREE_PARAMS |= {"seed": PARAMS["random_state"], "tree_method": "hist"}
"""The same parameters as XGBoost's own functions take them."""

CONSTRAINTS = "(" + ",".join(str(feature.monotone) for feature in FEATURES) + ")"


def content_digest(examples: DataFrame, device: str, code_version: str, prefer_smaller: str | None = None) -> str:
    """A digest of the rows in any order, the parameters and constraints, device and code: equal ones, equal models.

    So is what the domain prefers: see compare_variants.
    """
    rows = examples.agg(
        F.count(F.lit(1)).alias("count"), F.sum(F.xxhash64(*examples.columns).cast("decimal(38,0)")).alias("hashes")
    ).collect()[0]
    parameters = json.dumps({**PARAMS, "constraints": CONSTRAINTS, "prefer": prefer_smaller}, sort_keys=True)
    text = f"{rows['count']} {rows['hashes']} {parameters} {device} {code_version} xgboost {xgb.__version__}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def fit(examples: DataFrame, device: str, label: str = "label") -> xgb.Booster:
    """The booster fitted to the examples that have the label, with feature names.

    Raises DeviceError where XGBoost silently trained elsewhere than asked.
    """
    ranker = SparkXGBRanker(
        features_col=list(FEATURE_NAMES),
        label_col=label,
        qid_col="query",
        num_workers=1,
        # Without it a frame of as many partitions as workers is not repartitioned, and queries are split.
        force_repartition=True,
        device=device,
        missing=float("nan"),
        monotone_constraints=CONSTRAINTS,
        **PARAMS,
    )
    booster: xgb.Booster = ranker.fit(
        examples.where(F.col(label).isNotNull()).orderBy("query", "item_id")
    ).get_booster()
    trained_on = json.loads(booster.save_config())["learner"]["generic_param"]["device"]
    if not trained_on.startswith(device):
        raise DeviceError(f"Asked XGBoost to train on {device}, but it trained on {trained_on}.")
    booster.feature_names = list(FEATURE_NAMES)
    return booster
