"""How rankers are trained: half of the trees learn to rank, half how probable it is that an item is taken."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from spark_jobs.recommender.features.vocabulary import FEATURES

TREES = 120
"""Of both kinds together. A fixed number of trees: stopping early on a validation window costs more than it saves,
since that window is the newest evidence there is and its metric is noisy."""

TREE_PARAMS: dict[str, Any] = {
    "learning_rate": 0.12,
    "max_depth": 6,
    "min_child_weight": 50.0,
    "max_bin": 64,
    "tree_method": "hist",
    "seed": 1,
}

ROWS_PER_WEIGHT = 100
"""A child needs the weight of a hundredth of the rows where that is less: else a young log's trees had no splits."""

RANKING: dict[str, Any] = {
    "objective": "rank:ndcg",
    "lambdarank_pair_method": "topk",
    "lambdarank_num_pair_per_sample": 10,
}
LOGISTIC: dict[str, Any] = {"objective": "binary:logistic"}
LOGISTIC_WEIGHT = 0.7
"""Weight of the log odds beside the score of the ranking trees."""

PARAMS = {
    **TREE_PARAMS,
    **RANKING,
    "rows_per_weight": ROWS_PER_WEIGHT,
    "trees": TREES,
    "logistic_weight": LOGISTIC_WEIGHT,
}
"""All that decides how a ranker is trained, for the record."""

_MONOTONE = {feature.name: feature.monotone for feature in FEATURES}


def constraints(names: Iterable[str]) -> str:
    """Along which features a score may only rise (1) or fall (-1), as XGBoost takes it.

    >>> constraints(['popularity_score', 'popularity_rank', 'user_events'])
    '(1,-1,0)'
    """
    return "(" + ",".join(str(_MONOTONE[name]) for name in names) + ")"


def tree_params(rows: int) -> dict[str, Any]:
    """TREE_PARAMS for so many training rows.

    >>> tree_params(1_000)['min_child_weight'], tree_params(1_000_000)['min_child_weight']
    (10.0, 50.0)
    """
    return TREE_PARAMS | {"min_child_weight": min(TREE_PARAMS["min_child_weight"], rows / ROWS_PER_WEIGHT)}
