"""What is measured of a user's list over the full eligible catalogue, for all users of a batch at once.

`hits` is users × places, True where the item at the place was taken; places beyond the end of a list hold False.
`relevant` is the number of items that each user took, at least 1.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from scipy import sparse

LIST_LENGTH = 20
"""Places of a list that are looked at."""
TOP = 10
"""Places that the `_at_10` metrics look at."""

Metric = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From `hits` and `relevant` to one value per user, in [0, 1]."""


def ndcg_at(hits: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """Normalised discounted cumulative gain of the first k places.

    Source: Järvelin and Kekäläinen (2002), with binary gains: the sum of 1 / log2(1 + place) over the hits, divided by
    what min(k, relevant) hits on the first places would have.

    >>> hits = np.array([[True, False, True], [False, False, False]])
    >>> ndcg_at(hits, np.array([2, 1]), k=3).round(4).tolist()
    [0.9197, 0.0]
    """
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    top = hits[:, :k]
    return np.asarray(top @ discounts[: top.shape[1]] / np.cumsum(discounts)[np.minimum(relevant, k) - 1])


def recall_at(hits: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """Share of all relevant items in the first k places.

    >>> hits = np.array([[True, False, True], [False, False, False]])
    >>> recall_at(hits, np.array([4, 1]), k=3).tolist()
    [0.5, 0.0]
    """
    return np.asarray(hits[:, :k].sum(axis=1) / relevant)


def hit_rate_at(hits: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """1 with a hit in the first k places, else 0.

    >>> hits = np.array([[True, False, True], [False, False, False]])
    >>> hit_rate_at(hits, np.array([2, 1]), k=3).tolist()
    [1.0, 0.0]
    """
    return hits[:, :k].any(axis=1).astype(float)


def average_precision(hits: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """Precision at the places of the hits, added up and over the number of relevant items, as trec_eval has it.

    >>> hits = np.array([[True, False, True], [False, False, False]])
    >>> average_precision(hits, np.array([2, 1])).round(4).tolist()
    [0.8333, 0.0]
    """
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    return np.asarray((precision * hits).sum(axis=1) / relevant)


def reciprocal_rank(hits: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """1 / place of the first hit, 0 without one.

    >>> reciprocal_rank(np.array([[False, True], [False, False]]), np.array([1, 1])).tolist()
    [0.5, 0.0]
    """
    return np.where(hits.any(axis=1), 1.0 / (np.argmax(hits, axis=1) + 1), 0.0)


ACCURACY: dict[str, Metric] = {
    "ndcg_at_10": partial(ndcg_at, k=TOP),
    "recall_at_20": partial(recall_at, k=LIST_LENGTH),
    "hit_rate_at_10": partial(hit_rate_at, k=TOP),
    "average_precision": average_precision,
    "reciprocal_rank": reciprocal_rank,
}
"""Metrics of a user's list from hits and the number of relevant items, by the name of their column."""
POOL = ("pool_recall", "marginal_recall", "oracle_ndcg_at_10")
BEYOND = ("novelty_at_10", "popularity_at_10", "diversity_at_10", "new_item_recall_at_20")
PER_USER = (*ACCURACY, *POOL, *BEYOND)
"""Columns of gold.evaluation_users; NaN where a metric says nothing of a user."""
SLICED = ("ndcg_at_10", "recall_at_20", "hit_rate_at_10")
"""Metrics that are reported for parts of the users, too."""
DESCRIPTIONS = {
    "ndcg_at_10": "NDCG@10.",
    "recall_at_20": "Recall@20.",
    "hit_rate_at_10": "1 when any of the first ten items was taken.",
    "average_precision": "Average precision of the first 20 places (MAP@20, over all relevant items).",
    "reciprocal_rank": "1 / place of the first hit in 20 places, 0 without one (MRR@20).",
    "pool_recall": "Share of relevant items among the model's candidates.",
    "marginal_recall": "Share of relevant items that no other source proposes; of sources only.",
    "oracle_ndcg_at_10": "NDCG@10 of the best order of the model's candidates: what is beyond it, retrieval lost.",
    "novelty_at_10": "Mean self-information of the ten items, in bits: −log₂ of the share of all positive events.",
    "popularity_at_10": "Mean popularity percentile of the ten items; 1 is what most people take.",
    "diversity_at_10": "1 − mean cosine of the ten items' categories and attributes, two by two.",
    "new_item_recall_at_20": "Recall@20 of relevant items that are new in the catalogue; of users who took some.",
    "coverage_at_10": "Share of the eligible items that the first ten places of all lists reach.",
    "gini_at_10": "Gini coefficient of how often eligible items are in first ten places; 1 is all on one item.",
    "onnx_rows": "Candidates that the ranker and its ONNX twin both scored.",
    "onnx_max_difference": "Largest difference of their scores; at most 1e-5.",
    "onnx_same_top_10": "Share of lists whose first ten are the same by both; at least 99.99 %.",
    "recall_of_list": "Share of relevant items in the whole published list; of served lists only.",
    "users_with_list": "Share of the users with target events who had a list; of served lists only.",
    "share_of_taken": "Share of the items taken that were listed, or why they were not; of served lists only.",
    "hit_rate": "Share of the places that are hits: by place, and by tenths of the ranker's scores.",
}
"""What each metric says."""


def oracle_ndcg(retrieved: np.ndarray, relevant: np.ndarray, k: int = TOP) -> np.ndarray:
    """NDCG@k of an order that has all `retrieved` relevant items of each user first.

    >>> oracle_ndcg(np.array([1, 0]), np.array([2, 1])).round(4).tolist()
    [0.6131, 0.0]
    """
    return ndcg_at(np.arange(k) < retrieved[:, None], relevant, k)


def listed_means(values: np.ndarray, lists: np.ndarray) -> np.ndarray:
    """Mean over each user's list of a value per item; `lists` is users × places, -1 for no item. NaN without items.

    >>> listed_means(np.array([1.0, 2.0, 6.0]), np.array([[0, 2], [1, -1], [-1, -1]])).tolist()
    [3.5, 2.0, nan]
    """
    there = lists >= 0
    totals = np.where(there, values[lists], 0.0).sum(axis=1)
    return np.asarray(np.divide(totals, there.sum(axis=1), out=np.full(len(lists), np.nan), where=there.any(axis=1)))


def intra_list_diversity(lists: np.ndarray, content: sparse.csr_matrix) -> np.ndarray:
    """1 − mean cosine between the items of each list, two by two; NaN for lists of fewer than two items.

    `content` is items × tokens with rows of unit length, or empty ones, which resemble nothing.

    >>> content = sparse.csr_matrix([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> intra_list_diversity(np.array([[0, 1], [0, 2]]), content).tolist()
    [0.0, 1.0]
    """
    users, places = np.nonzero(lists >= 0)
    # Only the rows of listed items are touched: a batch of few users may have a large catalogue.
    shown = content[lists[users, places]]
    of_user = sparse.csr_matrix((np.ones(len(users)), (users, np.arange(len(users)))), (len(lists), len(users)))
    # Σ over pairs of vᵢ·vⱼ = ‖Σ v‖² − Σ ‖v‖², so that no pair is ever looked at.
    together = np.asarray((of_user @ shown).power(2).sum(axis=1)).ravel()
    alone = of_user @ np.asarray(shown.power(2).sum(axis=1)).ravel()
    sizes = (lists >= 0).sum(axis=1)
    pairs = sizes * (sizes - 1)
    similar = np.divide(together - alone, pairs, out=np.full(len(lists), np.nan), where=pairs > 0)
    return np.asarray(1.0 - similar)


def gini(counts: np.ndarray) -> float:
    """Gini coefficient of non-negative counts: 0 where all are equal, towards 1 where one has all.

    >>> gini(np.array([1, 1, 1, 1])), gini(np.array([0, 0, 0, 4]))
    (0.0, 0.75)
    """
    ordered = np.sort(counts)
    total = ordered.sum()
    if total == 0:
        return float("nan")
    return float((2 * np.arange(1, len(ordered) + 1) - len(ordered) - 1) @ ordered / (len(ordered) * total))


def bootstrap_intervals(values: np.ndarray, resamples: int = 500, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """95 % intervals of the means of columns over users by the Poisson bootstrap, in memory linear in users.

    All columns see the same draws, so a column of differences is a paired comparison. NaN counts as no user.

    Source: Hanley and MacGibbon (2006), Creating non-parametric bootstrap samples using Poisson frequencies.

    Args:
        values: users × columns; NaN where a user says nothing.
        resamples: Bootstrap samples.
        seed: Seed of the draws.

    Returns:
        Lower and upper ends, one per column; NaN for a column without values.

    >>> low, high = bootstrap_intervals(np.array([[0.0], [1.0]] * 200))
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([0.45], [0.55])
    """
    generator = np.random.default_rng(seed)
    shape = (resamples, values.shape[1])
    totals, weights = np.zeros(shape), np.zeros(shape)
    for start in range(0, len(values), 10_000):
        chunk = values[start : start + 10_000]
        known = ~np.isnan(chunk)
        drawn = generator.poisson(1.0, size=(resamples, len(chunk))).astype(float)
        totals += drawn @ np.where(known, chunk, 0.0)
        weights += drawn @ known
    means = np.divide(totals, weights, out=np.full(shape, np.nan), where=weights > 0)
    known_columns = ~np.isnan(means).all(axis=0)
    bounds = np.full((2, values.shape[1]), np.nan)
    bounds[:, known_columns] = np.nanquantile(means[:, known_columns], [0.025, 0.975], axis=0)
    return bounds[0], bounds[1]
