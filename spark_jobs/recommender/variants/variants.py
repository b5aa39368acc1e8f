"""The variants: ways to make a smaller or simpler model of the same rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import xgboost as xgb
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from spark_jobs.recommender.ranking.params import RANKING, TREE_PARAMS, TREES
from spark_jobs.recommender.ranking.ranker import feature_importance
from spark_jobs.recommender.ranking.training_rows import TrainingRows

Model: TypeAlias = xgb.Booster | Pipeline
FEWER_FEATURES = 20
UNRANKED_ROWS = 200_000
"""Rows that models without ranking see at most, by equal steps."""


@dataclass(frozen=True)
class Variant:
    """One smaller or simpler model."""

    name: str
    description: str
    make: Callable[[TrainingRows, xgb.Booster], Model]
    """From the rows and the full model of the same rows."""


def _distilled(rows: TrainingRows, full: xgb.Booster) -> xgb.Booster:
    matrix = xgb.QuantileDMatrix(
        rows.features,
        full.predict(xgb.DMatrix(rows.features, feature_names=rows.names)),
        feature_names=rows.names,
        max_bin=TREE_PARAMS["max_bin"],
        nthread=rows.threads,
    )
    settings = {"objective": "reg:squarederror", "max_depth": 3, "learning_rate": 0.15, "nthread": rows.threads}
    return xgb.train(settings | {"max_bin": TREE_PARAMS["max_bin"], "seed": 1}, matrix, TREES // 2)


def _pruned(rows: TrainingRows, full: xgb.Booster) -> xgb.Booster:
    """Splits that gain less than the median split go, from the leaves upwards; their gains are in the model."""
    model = json.loads(full.save_raw("json"))["learner"]["gradient_booster"]["model"]
    gains = np.concatenate([tree["loss_changes"] for tree in model["trees"]])
    settings = {**TREE_PARAMS, **RANKING, "process_type": "update", "updater": "prune", "nthread": rows.threads}
    # These two are not the pruner's; it warns of that, and of itself.
    del settings["max_bin"], settings["tree_method"]
    settings["verbosity"] = 0
    gamma = float(np.median(gains[gains > 0]))
    # XGBoost wants rows to go with it, and computes their gradients in every round; the result rests on none of them.
    few = rows.queries == rows.queries[0]
    matrix = xgb.DMatrix(rows.features[few], rows.labels[few], qid=rows.queries[few], feature_names=rows.names)
    return xgb.train(settings | {"gamma": gamma}, matrix, full.num_boosted_rounds(), xgb_model=full)


def _fewer_features(rows: TrainingRows, full: xgb.Booster) -> xgb.Booster:
    gains = feature_importance(full)
    best = set(sorted(gains, key=lambda name: -gains[name])[:FEWER_FEATURES])
    return rows.train(names=[name for name in rows.names if name in best])


def _float16(rows: TrainingRows, full: xgb.Booster) -> xgb.Booster:
    """Thresholds and leaves rounded to half precision, which XGBoost keeps as floats."""
    model = json.loads(full.save_raw("json"))
    for tree in model["learner"]["gradient_booster"]["model"]["trees"]:
        tree["split_conditions"] = np.float16(tree["split_conditions"]).astype(float).tolist()
    return xgb.Booster(model_file=bytearray(json.dumps(model).encode()))


def _linear(estimator: LogisticRegression | Ridge) -> Callable[[TrainingRows, xgb.Booster], Pipeline]:
    def make(rows: TrainingRows, _: xgb.Booster) -> Pipeline:
        step = max(1, len(rows.labels) // UNRANKED_ROWS)
        pipeline = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), estimator)
        return pipeline.fit(rows.features[::step], rows.labels[::step])

    return make


VARIANTS = (
    Variant("full", "The ranker as it is.", lambda _, full: full),
    Variant("first_half", "The first half of its trees.", lambda _, full: full[: TREES // 2]),
    Variant("first_quarter", "The first quarter of its trees.", lambda _, full: full[: TREES // 4]),
    Variant("float16", "Thresholds and leaves rounded to half precision.", _float16),
    Variant("pruned", "Splits that gain less than the median split taken away (`updater=prune`).", _pruned),
    Variant(
        "logistic_regression",
        "Logistic regression on standardised features.",
        _linear(LogisticRegression(solver="newton-cholesky")),
    ),
    Variant("linear_regression", "Ridge regression on standardised features.", _linear(Ridge())),
    Variant("depth_2", "Trees of depth 2.", lambda rows, _: rows.train(max_candidates_per_user=2)),
    Variant(
        "small",
        "Half the trees, of depth 3, fitted to the labels.",
        lambda rows, _: rows.train(TREES // 2, max_candidates_per_user=3),
    ),
    Variant("distilled", "Half the trees, of depth 3, fitted to the scores of the full model.", _distilled),
    Variant("fewer_features", f"The {FEWER_FEATURES} features of the largest gain.", _fewer_features),
    Variant("coarse_bins", "Thresholds from 16 quantiles (`max_bin`).", lambda rows, _: rows.train(max_bin=16)),
)
"""In the order in which they are tried while there is time."""
