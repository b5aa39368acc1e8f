"""Exposure balance: as much coverage as is wanted, no more giving way than it takes, in parallel as in a queue."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from spark_jobs.contracts.domain.policies import Recommendations
from spark_jobs.recommender.candidates import Candidates
from spark_jobs.recommender.ranking import exposure_search
from spark_jobs.recommender.ranking.exposure import (
    TOP,
    Exposure,
    diversified_scores,
    items_reached,
    standardised,
    weakest_exposure,
)
from spark_jobs.recommender.ranking.ranker import best_per_user, source_model
from tests.recommender.builders import make_histories, make_index

USERS, ITEMS = 300, 200


@pytest.fixture(scope="module")
def pools() -> pa.Table:
    """Users who all want the same items first, with tastes of their own behind."""
    generator = np.random.default_rng(1)
    scores = -np.arange(60) / 10 + generator.normal(scale=0.3, size=(USERS, 60))
    common = np.tile(np.arange(30), (USERS, 1))
    own = np.stack([30 + generator.choice(ITEMS - 30, 30, replace=False) for _ in range(USERS)])
    order = np.argsort(-scores, axis=1)
    items = np.take_along_axis(np.concatenate([common, own], axis=1), order, axis=1)
    scores = np.take_along_axis(scores, order, axis=1)
    return pa.table(
        {
            "user_id": [f"u{k}" for k in range(USERS)],
            "items": items.tolist(),
            "scores": scores.tolist(),
        }
    )


def test_more_is_wanted_more_is_reached_and_nothing_is_done_where_enough_is(pools: pa.Table) -> None:
    eligible = np.ones(ITEMS, dtype=bool)
    found = [weakest_exposure(pools, USERS, eligible, wanted) for wanted in (0.05, 0.3, 0.6)]

    assert found[0].strength == 0.0
    assert 0 < found[1].strength < found[2].strength

    for one, wanted in zip(found, (0.05, 0.3, 0.6), strict=True):
        assert one.coverage >= wanted
        assert one.strength == 0.0 or one.coverage < wanted + 0.15


@pytest.mark.parametrize("kept", [0, 5, 8])
def test_lists_made_in_parallel_reach_what_is_wanted_and_keep_first_places(pools: pa.Table, kept: int) -> None:
    """The places in the queue stand for the order in which the sample was gone through."""
    exposure = weakest_exposure(pools, USERS, np.ones(ITEMS, dtype=bool), 0.4, kept)

    assert exposure.strength > 0

    found = of_pools(pools)
    scores = np.concatenate(pools["scores"].to_numpy())
    after = diversified_scores(pools["user_id"].to_pylist(), found, scores, exposure)
    first = [best_per_user(found, values, 60).pairs for values in (scores, after)]
    before, shown = (found.items[pairs].reshape(-1, 60) for pairs in first)

    assert len(set(shown[:, :TOP].ravel().tolist())) / ITEMS >= 0.4 * 0.9
    assert (shown[:, :kept] == before[:, :kept]).all()
    assert (shown[:, kept:TOP] != before[:, kept:TOP]).any()

    for own, ours in zip(before.tolist(), shown.tolist(), strict=True):
        assert ours[TOP:] == [item for item in own if item not in ours[:TOP]]


def of_pools(pools: pa.Table) -> Candidates:
    """The pools' pairs as candidates."""
    users, items = np.repeat(np.arange(USERS), 60), np.concatenate(pools["items"].to_numpy())
    return Candidates(users, items, {}, {}, np.empty((len(users), 0), dtype=np.float32))


def test_a_sample_stands_for_all_users(pools: pa.Table) -> None:
    eligible = np.ones(ITEMS, dtype=bool)
    whole = weakest_exposure(pools, USERS, eligible, 0.3)
    part = weakest_exposure(pools.slice(0, 100), USERS, eligible, 0.3)

    assert whole.times.sum() == pytest.approx(USERS * TOP)
    assert part.times.sum() == pytest.approx(USERS * TOP)


@pytest.mark.parametrize("sampled", [500, 1_000, 2_000])
def test_what_all_lists_reach_is_estimated_from_a_sample_and_never_too_high(sampled: int) -> None:
    users, items, generator = 2_000, 3_000, np.random.default_rng(1)
    wanted = 1 / (np.arange(items) + 20.0)
    tastes = np.log(wanted) + generator.gumbel(size=(users, items))
    lists = np.argsort(-tastes, axis=1)[:, :TOP]
    whole, part = (np.bincount(some.ravel(), minlength=items) for some in (lists, lists[:sampled]))
    reached, estimate = (whole > 0).sum(), items_reached(part, sampled, users)

    assert (part > 0).sum() <= estimate <= 1.02 * reached
    assert estimate >= 0.85 * reached
    assert items_reached(whole, users, users) == reached


def test_a_shop_larger_than_the_sample_is_left_alone_where_its_lists_reach_enough() -> None:
    """Four hundred lists of ten can't show a quarter of twenty thousand items; forty thousand such lists do."""
    users, items, generator = 400, 20_000, np.random.default_rng(1)
    chosen = np.stack([generator.choice(items, 60, replace=False) for _ in range(users)])
    pools = pa.table(
        {
            "user_id": [f"u{k}" for k in range(users)],
            "items": chosen.tolist(),
            "scores": np.tile(-np.arange(60) / 10, (users, 1)).tolist(),
        }
    )

    assert weakest_exposure(pools, 100 * users, np.ones(items, dtype=bool), 0.25).strength == 0.0

    alone = weakest_exposure(pools, users, np.ones(items, dtype=bool), 0.25)

    assert (alone.offered, alone.strength) == (users * TOP, 0.0), "a quarter of their places shows something new"
    assert weakest_exposure(pools, users, np.ones(items, dtype=bool), 0.99).strength > 0


def test_more_users_are_looked_at_only_where_a_few_do_not_tell(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exposure_search, "SAMPLED_USERS", (20, 60))
    monkeypatch.setattr(exposure_search, "TELLING", 0.9)
    users, items, generator = 120, 80, np.random.default_rng(0)
    index = spark.sparkContext.broadcast(make_index(items))
    model = spark.sparkContext.broadcast(source_model("item_to_item"))
    histories = {
        f"u{u}": [(f"i{k:03d}", 1.0, float(n)) for n, k in enumerate(generator.choice(items, 5, False))]
        for u in range(users)
    }
    rows = spark.createDataFrame(pa.Table.from_batches([make_histories(histories, {})]))
    frame = rows.withColumn("as_of", F.lit(date(2026, 1, 1)))

    def found(coverage: float | None) -> Exposure:
        return exposure_search.exposure_of(frame, index, model, Recommendations(coverage=coverage, keep_first=0))

    assert found(None).sampled == 0

    few, more = found(0.1), found(1.0)

    assert few.strength == 0.0
    assert 5 < few.sampled < 40 < more.sampled < 90
    assert more.strength > 0
    assert more.times.sum() == pytest.approx(users * TOP, rel=1e-3)

    monkeypatch.setattr(exposure_search, "TELLING", 0.3)

    assert 20 < found(1.0).sampled < 50

    monkeypatch.setattr(exposure_search, "SAMPLED_USERS", (1_000, 4_000))

    assert found(1.0).sampled == users


@given(st.lists(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=5), min_size=1, max_size=5))
def test_standardising_keeps_each_users_order(scores: list[list[float]]) -> None:
    users = np.repeat(np.arange(len(scores)), [len(row) for row in scores])
    flat = np.concatenate([np.asarray(row, dtype=float) for row in scores])
    found, deviations = standardised(users, flat, len(scores))

    assert np.isfinite(found).all()
    assert (deviations > 0).all()

    for user in range(len(scores)):
        mine = users == user
        assert (np.diff(found[mine][np.argsort(flat[mine], kind="stable")]) >= 0).all()
