"""Metrics: known values, bounds, and what must make them better."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.recommender.evaluation.metrics import (
    average_precision,
    bootstrap_interval,
    ndcg_at,
    recall_at,
    reciprocal_rank,
)

HITS = st.lists(st.booleans(), min_size=1, max_size=30).map(lambda values: np.array(values, dtype=bool))


def test_known_values() -> None:
    hits = np.array([True, False, True, False])
    assert ndcg_at(hits, 2, 10) == pytest.approx((1 + 1 / 2) / (1 + 1 / np.log2(3)))
    assert recall_at(hits, 4, 2) == 0.25
    assert average_precision(hits, 2) == pytest.approx((1 + 2 / 3) / 2)
    assert reciprocal_rank(np.array([False, False, True])) == pytest.approx(1 / 3)


@given(HITS, st.integers(0, 10))
def test_bounds(hits: np.ndarray, missed: int) -> None:
    relevant = int(hits.sum()) + missed
    for value in (ndcg_at(hits, relevant, 10), recall_at(hits, relevant, 20), average_precision(hits, relevant)):
        assert 0.0 <= value <= 1.0


@given(HITS)
def test_a_perfect_order_is_worth_one_and_nothing_beats_it(hits: np.ndarray) -> None:
    relevant = int(hits.sum())
    best = np.sort(hits)[::-1]
    if relevant:
        assert ndcg_at(best, relevant, 10) == pytest.approx(1.0)
    assert ndcg_at(hits, relevant, 10) <= ndcg_at(best, relevant, 10) + 1e-12


@given(st.lists(st.floats(0, 1), min_size=2, max_size=200))
def test_the_interval_lies_within_the_values(values: list[float]) -> None:
    low, high = bootstrap_interval(np.array(values))
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9


def test_the_interval_covers_the_mean_and_narrows_with_users() -> None:
    generator = np.random.default_rng(0)
    few, many = generator.random(50), generator.random(5_000)
    low, high = bootstrap_interval(few)
    assert low < few.mean() < high
    narrow = bootstrap_interval(many)
    assert narrow[1] - narrow[0] < (high - low) / 3
