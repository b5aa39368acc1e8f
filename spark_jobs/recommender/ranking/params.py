"""How rankers are trained."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from spark_jobs.recommender.features.vocabulary import FEATURES

TREES = 120
"""A fixed number of small trees: stopping early on a validation window costs more than it saves, since that window is
the newest evidence there is and its metric is noisy."""

TREE_PARAMS: dict[str, Any] = {
    "objective": "rank:ndcg",
    "lambdarank_pair_method": "topk",
    "lambdarank_num_pair_per_sample": 10,
    "learning_rate": 0.06,
    "max_depth": 4,
    "min_child_weight": 5.0,
    "max_bin": 64,
    "tree_method": "hist",
    "seed": 1,
}

_MONOTONE = {feature.name: feature.monotone for feature in FEATURES}


def constraints(names: Iterable[str]) -> str:
    """Along which features a score may only rise (1) or fall (-1), as XGBoost takes it."""
    return "(" + ",".join(str(_MONOTONE[name]) for name in names) + ")"
