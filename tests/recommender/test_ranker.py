"""A model is scored with its own features, whatever else the code makes."""

from __future__ import annotations

import numpy as np
import pytest
import xgboost as xgb
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.recommender.arrays.user_batch import user_batch
from spark_jobs.recommender.candidates import Candidates, propose
from spark_jobs.recommender.features.vocabulary import FEATURE_NAMES
from spark_jobs.recommender.ranking.ranker import (
    FeatureMismatchError,
    best_per_user,
    missing_features,
    ranker_scores,
    to_bytes,
)
from tests.recommender.builders import make_histories, make_index

SCORES = st.one_of(st.sampled_from([-1.0, 0.0, 2.0, float("-inf")]), st.floats(-5, 5))


def booster_on(names: list[str]) -> xgb.Booster:
    generator = np.random.default_rng(0)
    rows = xgb.DMatrix(generator.random((50, len(names))), generator.integers(0, 2, 50), feature_names=names)
    return xgb.train({"max_depth": 3}, rows, num_boost_round=5)


@pytest.mark.parametrize("names", [list(FEATURE_NAMES), list(FEATURE_NAMES[:5]), list(FEATURE_NAMES[::-1])])
def test_each_model_sees_its_own_features_in_its_own_order(names: list[str]) -> None:
    index = make_index(20)
    found = propose(user_batch(make_histories({"u": [("i001", 1.0, 3.0), ("i002", 1.0, 1.0)]}, {}), index), index)
    booster = booster_on(names)
    columns = np.column_stack([found.features[:, FEATURE_NAMES.index(name)] for name in names])
    expected = booster.predict(xgb.DMatrix(columns, feature_names=names))
    np.testing.assert_allclose(ranker_scores(found, to_bytes(booster)), expected, rtol=1e-6)


def test_a_feature_that_is_gone_is_named() -> None:
    names = [*FEATURE_NAMES[:2], "phase_of_the_moon"]

    assert missing_features(names) == ["phase_of_the_moon"]
    with pytest.raises(FeatureMismatchError, match=r"does not make: phase_of_the_moon\. Train again"):
        to_bytes(booster_on(names))


@given(st.data())
def test_the_best_of_every_user_are_those_of_a_full_sort(data: st.DataObject) -> None:
    lists = data.draw(st.lists(st.lists(st.integers(0, 20), unique=True, max_size=6).map(sorted), max_size=5))
    users = np.repeat(np.arange(len(lists)), [len(one) for one in lists])
    items = np.array([item for one in lists for item in one], dtype=int)
    scores = np.array(data.draw(st.lists(SCORES, min_size=len(items), max_size=len(items))), dtype=float)
    among = np.flatnonzero(data.draw(st.lists(st.booleans(), min_size=len(items), max_size=len(items))))
    count = data.draw(st.integers(1, 7))
    best = best_per_user(Candidates(users, items, {}, {}, np.empty((len(items), 0))), scores, count, among)
    expected = []
    for user in range(len(lists)):
        own = sorted((-scores[pair], items[pair], pair) for pair in among if users[pair] == user)
        expected += [(pair, place) for place, (*_, pair) in enumerate(own[:count], 1)]

    assert list(zip(best.pairs.tolist(), best.places.tolist(), strict=True)) == expected
