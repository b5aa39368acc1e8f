"""The variants: ways to make a smaller or simpler model of the same rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import xgboost as xgb
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from spark_jobs.recommender.features.vocabulary import FEATURES
from spark_jobs.recommender.ranking.ranker import feature_importance
from spark_jobs.recommender.ranking.training import TREE_PARAMS, TREES

Model: TypeAlias = xgb.Booster | Pipeline
FEWER_FEATURES = 20
UNRANKED_ROWS = 200_000
"""Rows that models without ranking see at most, by equal steps."""


@dataclass(frozen=True)
class Rows:
    """Training rows, in whole queries."""

    features: np.ndarray
    """rows × names, float32."""
    labels: np.ndarray
    queries: np.ndarray
    names: list[str]
    teacher: xgb.Booster
    """The full model of the same rows."""
    threads: int
    _matrices: dict[int, xgb.QuantileDMatrix] = field(default_factory=dict)

    def train(self, trees: int = TREES, names: list[str] | None = None, **params: Any) -> xgb.Booster:
        """A ranker as the full one is fitted, but for what is given."""
        names = names or self.names
        bins = int(params.get("max_bin", TREE_PARAMS["max_bin"]))
        monotone = {feature.name: feature.monotone for feature in FEATURES}
        constraints = "(" + ",".join(str(monotone[name]) for name in names) + ")"
        settings = {**TREE_PARAMS, "monotone_constraints": constraints, "nthread": self.threads, **params}
        return xgb.train(settings, self._matrix(names, bins), trees)

    def _matrix(self, names: list[str], bins: int) -> xgb.QuantileDMatrix:
        whole = names == self.names
        if whole and bins in self._matrices:
            return self._matrices[bins]
        columns = self.features if whole else self.features[:, [*map(self.names.index, names)]]
        matrix = xgb.QuantileDMatrix(
            columns, self.labels, qid=self.queries, feature_names=names, max_bin=bins, nthread=self.threads
        )
        if whole:
            self._matrices[bins] = matrix
        return matrix

    def teacher_scores(self) -> np.ndarray:
        """What the full model gives each row."""
        return np.asarray(self.teacher.predict(xgb.DMatrix(self.features, feature_names=self.names)))


@dataclass(frozen=True)
class Variant:
    """One smaller or simpler model."""

    name: str
    meaning: str
    make: Callable[[Rows], Model]


def _distilled(rows: Rows) -> xgb.Booster:
    matrix = xgb.QuantileDMatrix(
        rows.features,
        rows.teacher_scores(),
        feature_names=rows.names,
        max_bin=TREE_PARAMS["max_bin"],
        nthread=rows.threads,
    )
    settings = {"objective": "reg:squarederror", "max_depth": 3, "learning_rate": 0.15, "nthread": rows.threads}
    return xgb.train(settings | {"max_bin": TREE_PARAMS["max_bin"], "seed": 1}, matrix, TREES // 2)


def _pruned(rows: Rows) -> xgb.Booster:
    """Splits that gain less than the median split go, from the leaves upwards."""
    model = json.loads(rows.teacher.save_raw("json"))["learner"]["gradient_booster"]["model"]
    gains = np.concatenate([tree["loss_changes"] for tree in model["trees"]])
    settings = {**TREE_PARAMS, "process_type": "update", "updater": "prune", "nthread": rows.threads}
    # These two are not the pruner's; it warns of that, and of itself.
    del settings["max_bin"], settings["tree_method"]
    settings["verbosity"] = 0
    gamma = float(np.median(gains[gains > 0]))
    matrix = xgb.DMatrix(rows.features, rows.labels, qid=rows.queries, feature_names=rows.names, nthread=rows.threads)
    return xgb.train(settings | {"gamma": gamma}, matrix, rows.teacher.num_boosted_rounds(), xgb_model=rows.teacher)


def _fewer_features(rows: Rows) -> xgb.Booster:
    gains = feature_importance(rows.teacher)
    best = set(sorted(gains, key=lambda name: -gains[name])[:FEWER_FEATURES])
    return rows.train(names=[name for name in rows.names if name in best])


def _float16(rows: Rows) -> xgb.Booster:
    """Thresholds and leaves rounded to half precision, which XGBoost keeps as floats."""
    model = json.loads(rows.teacher.save_raw("json"))
    for tree in model["learner"]["gradient_booster"]["model"]["trees"]:
        tree["split_conditions"] = np.float16(tree["split_conditions"]).astype(float).tolist()
    return xgb.Booster(model_file=bytearray(json.dumps(model).encode()))


def _linear(estimator: LogisticRegression | Ridge) -> Callable[[Rows], Pipeline]:
    def make(rows: Rows) -> Pipeline:
        step = max(1, len(rows.labels) // UNRANKED_ROWS)
        pipeline = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), estimator)
        return pipeline.fit(rows.features[::step], rows.labels[::step])

    return make


VARIANTS = (
    Variant("full", "The ranker as it is.", lambda rows: rows.teacher),
    Variant("first_half", "The first half of its trees.", lambda rows: rows.teacher[: TREES // 2]),
    Variant("first_quarter", "The first quarter of its trees.", lambda rows: rows.teacher[: TREES // 4]),
    Variant("float16", "Thresholds and leaves rounded to half precision.", _float16),
    Variant("pruned", "Splits that gain less than the median split taken away (`updater=prune`).", _pruned),
    Variant("logistic_regression", "Logistic regression on standardised features.", _linear(LogisticRegression())),
    Variant("linear_regression", "Ridge regression on standardised features.", _linear(Ridge())),
    Variant("depth_2", "Trees of depth 2.", lambda rows: rows.train(max_depth=2)),
    Variant("small", "Half the trees, of depth 3, trained directly.", lambda rows: rows.train(TREES // 2, max_depth=3)),
    Variant("distilled", "Half the trees, of depth 3, fitted to the scores of the full model.", _distilled),
    Variant("fewer_features", f"The {FEWER_FEATURES} features of the largest gain.", _fewer_features),
    Variant("coarse_bins", "Thresholds from 16 quantiles (`max_bin`).", lambda rows: rows.train(max_bin=16)),
)
"""In the order in which they are tried while there is time."""
