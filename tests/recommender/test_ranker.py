"""A model is scored with its own features, whatever else the code makes."""

from __future__ import annotations

import numpy as np
import pytest
import xgboost as xgb

from spark_jobs.recommender.candidates import propose
from spark_jobs.recommender.features.vocabulary import FEATURE_NAMES
from spark_jobs.recommender.ranking.ranker import FeatureMismatchError, missing_features, ranker_scores, to_bytes
from spark_jobs.recommender.snapshots.user_batch import user_batch
from tests.recommender.builders import make_histories, make_index


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
