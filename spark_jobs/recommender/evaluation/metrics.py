"""Ranking metrics per user, for lists over the full eligible catalogue, and user-bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np


def ndcg_at(hits: np.ndarray, relevant: int, k: int) -> float:
    """Normalised discounted cumulative gain of the first k places; `hits` is bool per place."""
    ideal = min(relevant, k)
    if ideal == 0:
        return 0.0
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    top = hits[:k]
    return float((top * discounts[: len(top)]).sum() / discounts[:ideal].sum())


def recall_at(hits: np.ndarray, relevant: int, k: int) -> float:
    """Share of all relevant items in the first k places."""
    return float(hits[:k].sum() / relevant) if relevant else 0.0


def average_precision(hits: np.ndarray, relevant: int) -> float:
    """Mean precision at the places of the hits, over min(relevant, length of the list)."""
    places = np.flatnonzero(hits)
    best = min(relevant, len(hits))
    if len(places) == 0 or best == 0:
        return 0.0
    return float(((np.arange(len(places)) + 1) / (places + 1)).sum() / best)


def reciprocal_rank(hits: np.ndarray, relevant: int = 0) -> float:
    """1 / place of the first hit, 0 without one."""
    places = np.flatnonzero(hits)
    return float(1.0 / (places[0] + 1)) if len(places) else 0.0


METRICS: dict[str, Callable[[np.ndarray, int], float]] = {
    "ndcg_at_10": partial(ndcg_at, k=10),
    "recall_at_20": partial(recall_at, k=20),
    "average_precision": average_precision,
    "reciprocal_rank": reciprocal_rank,
}
"""Metrics of a user's list from its hits per place and the number of relevant items, by the name of their column."""
MEANINGS = {
    "ndcg_at_10": "NDCG@10 over the full eligible catalogue.",
    "recall_at_20": "Recall@20 over the full eligible catalogue.",
    "average_precision": "Average precision over the contender's list.",
    "reciprocal_rank": "1 / rank of the first hit, 0 without one.",
    "pool_recall": "Share of relevant items among the contender's candidates.",
}
"""What each metric says; `pool_recall` is about the candidates, not the list."""


def bootstrap_interval(values: np.ndarray, resamples: int = 500, seed: int = 1) -> tuple[float, float]:
    """95 % interval of the mean over users by the Poisson bootstrap, in memory linear in users."""
    if len(values) == 0:
        return float("nan"), float("nan")
    generator = np.random.default_rng(seed)
    totals, weights = np.zeros(resamples), np.zeros(resamples)
    for start in range(0, len(values), 10_000):
        chunk = values[start : start + 10_000]
        drawn = generator.poisson(1.0, size=(resamples, len(chunk)))
        totals += drawn @ chunk
        weights += drawn.sum(axis=1)
    drawn_any = weights > 0
    low, high = np.quantile(totals[drawn_any] / weights[drawn_any], [0.025, 0.975])
    return float(low), float(high)
