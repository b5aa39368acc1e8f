"""Metrics: known values, bounds, what must make them better, and an independent library on the same lists."""

from __future__ import annotations

import numpy as np
import pytest
import ranx
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from spark_jobs.recommender.evaluation.metrics import (
    ACCURACY,
    LIST_LENGTH,
    average_precision,
    bootstrap_intervals,
    gini,
    intra_list_diversity,
    listed_means,
    ndcg_at,
    oracle_ndcg,
    recall_at,
    reciprocal_rank,
)

PLACES = st.lists(st.booleans(), min_size=LIST_LENGTH, max_size=LIST_LENGTH)
HITS = st.lists(PLACES, min_size=1, max_size=8).map(lambda rows: np.array(rows, dtype=bool))


def one(*hits: bool) -> np.ndarray:
    return np.array([hits])


def test_known_values() -> None:
    hits = one(True, False, True, False)

    assert ndcg_at(hits, np.array([2]), 10) == pytest.approx((1 + 1 / 2) / (1 + 1 / np.log2(3)))
    assert recall_at(hits, np.array([4]), 2) == 0.25
    assert average_precision(hits, np.array([2])) == pytest.approx((1 + 2 / 3) / 2)
    assert reciprocal_rank(one(False, False, True), np.array([1])) == pytest.approx(1 / 3)


@given(HITS, st.integers(1, 30))
def test_stats_properties(hits: np.ndarray, missed: int) -> None:
    relevant = hits.sum(axis=1) + missed
    for metric in ACCURACY.values():
        values = metric(hits, relevant)
        assert values.shape == (len(hits),)
        assert ((values >= 0) & (values <= 1)).all()


@given(HITS, st.integers(1, 30))
def test_no_order_beats_the_best_one(hits: np.ndarray, missed: int) -> None:
    relevant = hits.sum(axis=1) + missed
    ceiling = oracle_ndcg(hits.sum(axis=1), relevant)

    assert (ndcg_at(hits, relevant, 10) <= ceiling + 1e-12).all()
    assert ndcg_at(np.sort(hits, axis=1)[:, ::-1], relevant, 10) == pytest.approx(ceiling)


def test_an_independent_library_gives_the_same_figures() -> None:
    generator = np.random.default_rng(4)
    relevant = {
        f"u{u}": {f"i{k}": 1 for k in generator.choice(60, generator.integers(1, 40), False)} for u in range(200)
    }
    lists = {user: [f"i{k}" for k in generator.permutation(60)[: generator.integers(1, 21)]] for user in relevant}
    runs = {user: {item: 1.0 / (k + 1) for k, item in enumerate(items)} for user, items in lists.items()}
    hits = np.zeros((200, LIST_LENGTH), dtype=bool)
    for row, (user, items) in enumerate(lists.items()):
        hits[row, : len(items)] = [item in relevant[user] for item in items]
    counts = np.array([len(items) for items in relevant.values()])
    theirs = {
        "ndcg_at_10": "ndcg@10",
        "recall_at_20": "recall@20",
        "hit_rate_at_10": "hit_rate@10",
        "average_precision": "map@20",
        "reciprocal_rank": "mrr@20",
    }

    assert set(theirs) == set(ACCURACY)

    expected = ranx.evaluate(ranx.Qrels(relevant), ranx.Run(runs), list(theirs.values()))
    for name, theirs_name in theirs.items():
        assert ACCURACY[name](hits, counts).mean() == pytest.approx(expected[theirs_name], abs=1e-9), name


def test_diversity_equals_the_mean_over_all_pairs() -> None:
    generator = np.random.default_rng(2)
    content = generator.random((12, 5))
    content /= np.linalg.norm(content, axis=1, keepdims=True)
    lists = np.array([[0, 3, 7, 9], [1, 2, -1, -1], [5, -1, -1, -1]])
    found = intra_list_diversity(lists, sparse.csr_matrix(content))
    for row, items in zip(found[:2], ([0, 3, 7, 9], [1, 2]), strict=True):
        pairs = [content[a] @ content[b] for a in items for b in items if a != b]
        assert row == pytest.approx(1 - np.mean(pairs))

    assert np.isnan(found[2])
    assert listed_means(np.arange(12.0), lists)[:2] == pytest.approx([4.75, 1.5])


def test_gini_knows_equal_shares_and_one_that_has_all() -> None:
    assert gini(np.full(10, 3)) == pytest.approx(0.0)
    assert gini(np.array([0] * 99 + [5])) == pytest.approx(0.99)
    assert gini(np.array([1, 3])) == pytest.approx(0.25)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=200))
def test_the_interval_lies_within_the_values(values: list[float]) -> None:
    low, high = (bound[0] for bound in bootstrap_intervals(np.array(values)[:, None]))
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9


def test_the_interval_covers_the_mean_narrows_with_users_and_leaves_unknowns_out() -> None:
    generator = np.random.default_rng(0)
    few, many = generator.random((50, 1)), generator.random((5_000, 1))
    low, high = bootstrap_intervals(few)

    assert low < few.mean() < high

    narrow = bootstrap_intervals(many)

    assert narrow[1] - narrow[0] < (high - low) / 3

    gaps = np.concatenate([few, np.full((50, 1), np.nan)])

    assert bootstrap_intervals(np.hstack([gaps, np.full((100, 1), np.nan)]))[0][0] > 0.3
    assert np.isnan(bootstrap_intervals(np.full((10, 1), np.nan))[0]).all()


def test_a_paired_difference_is_narrower_than_what_it_is_made_of() -> None:
    generator = np.random.default_rng(0)
    users = generator.random(500)
    better = users + 0.01
    low, high = bootstrap_intervals(np.column_stack([users, better, better - users]))

    assert low[2] == pytest.approx(0.01)
    assert high[2] == pytest.approx(0.01)
    assert high[0] - low[0] > 0.02
