"""Scores in every form: the same best cells as brute force, whatever is blocked, tied or beyond the catalogue."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from spark_jobs.recommender.arrays.item_events import NEIGHBOURS, weight_rows
from spark_jobs.recommender.arrays.scores import (
    DenseScores,
    FactoredScores,
    Scores,
    SharedScores,
    SparseScores,
)
from spark_jobs.recommender.arrays.top_k import best_pairs, descending

FORMS: dict[str, Callable[[np.ndarray], Scores]] = {
    "dense": DenseScores,
    "sparse": lambda matrix: SparseScores(sparse.csr_matrix(matrix)),
    "shared": lambda matrix: SharedScores(matrix[0]),
    # Each item has a weight of its own, so that users' weights are the scores.
    "factored": lambda matrix: FactoredScores(
        matrix, sparse.eye(matrix.shape[1], format="csr", dtype=np.float32), np.arange(matrix.shape[1])
    ),
}
SIZES = st.tuples(st.integers(1, 5), st.one_of(st.integers(1, 30), st.integers(100, 300)))


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    """Scores with ties and zeros, what is allowed, and how many are wanted."""
    users, items = draw(SIZES)
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    matrix = generator.choice(np.array([-1, 0, 0, 0.25, 0.5, 0.75, 1e-30, 3e30], dtype=np.float32), (users, items))
    allowed = generator.random((users, items)) < draw(st.sampled_from([0.0, 0.1, 0.7, 1.0]))
    return matrix, allowed, draw(st.integers(0, items + 3))


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=60, deadline=None)
@given(case=cases())
def test_the_best_are_those_of_brute_force(form: str, case: tuple[np.ndarray, np.ndarray, int]) -> None:
    matrix, allowed, count = case
    users, items = matrix.shape
    if form == "shared":
        matrix = np.repeat(matrix[:1], users, axis=0)
    scores = FORMS[form](matrix)
    expected = []
    for user in range(users):
        mine = [item for item in range(items) if allowed[user, item] and matrix[user, item] > 0]
        mine.sort(key=lambda item: (-matrix[user, item], item))
        expected += [user * items + item for item in mine[:count]]

    assert scores.best(allowed, count).tolist() == expected

    rows, columns = np.divmod(np.arange(users * items), items)
    np.testing.assert_array_equal(scores.of(rows, columns), matrix.ravel())


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.floats(2.0**-100, 2.0**100, width=32), st.integers(0, 99)),
        unique_by=lambda t: (t[0], t[2]),
    )
)
def test_packed_sorting_orders_like_three_keys(rows: list[tuple[int, float, int]]) -> None:
    users, values, ids = (np.array([row[k] for row in rows], dtype=kind) for k, kind in enumerate(("i8", "f4", "i8")))
    expected = np.lexsort((ids, -values, users))
    np.testing.assert_array_equal(descending(users, values, ids, 100), expected)


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 60), spread=st.sampled_from([0.0, 0.1, 3.0, 15.0]))
def test_the_best_of_long_lists_are_those_of_a_whole_sort(seed: int, count: int, spread: float) -> None:
    generator = np.random.default_rng(seed)
    sizes = generator.choice([0, 1, 40, 700], 6)
    users = np.repeat(np.arange(6), sizes)
    items = np.concatenate([np.sort(generator.choice(1_000, size, replace=False)) for size in sizes])
    values = np.exp(generator.normal(0, spread, len(users))).astype(np.float32)
    values = np.where(generator.random(len(users)) < 0.3, np.float32(1.5), values)
    order = np.lexsort((items, -values, users))
    expected = np.concatenate([order[users[order] == user][:count] for user in range(6)])
    np.testing.assert_array_equal(best_pairs(users, items, values, count, 1_000), expected)


@pytest.mark.parametrize("items", [NEIGHBOURS + 60, 17 * NEIGHBOURS])
def test_the_largest_weights_of_an_item_are_kept_whether_dense_or_sparse(items: int) -> None:
    # Few distinct values: most are ties, which go to the items that come first.
    weights = np.random.default_rng(3).integers(-9, 10, (60, items)) / 1e6
    weights[0] = 0.0
    item_ids = np.array([f"i{number:04}" for number in range(items)], dtype=object)
    dense, thin = (weight_rows("ease", w, item_ids) for w in (weights, sparse.csr_matrix(weights)))

    assert dense.equals(thin)
    assert dense["item_id"].to_pylist() == [item for item, row in zip(item_ids[:60], weights, strict=True) if row.any()]

    for found, row in zip(dense.to_pylist(), weights[1:], strict=True):
        best = [n for n in np.argsort(-np.abs(row), kind="stable")[:NEIGHBOURS] if row[n]]
        assert found["neighbour_ids"] == item_ids[best].tolist()
        assert found["similarities"] == pytest.approx(row[best])
