"""The ONNX twin: the same scores on real rows, and no mis-conversion that goes unseen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pyarrow as pa
import pytest
import xgboost as xgb
from onnxmltools import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from pyspark import Broadcast
from pyspark.sql import DataFrame, SparkSession

from spark_jobs.recommender.export import parity as parity_module
from spark_jobs.recommender.export.conversion import ConversionError, require_same_shape, to_onnx
from spark_jobs.recommender.export.parity import (
    EDGE_ROWS,
    Parity,
    ParityError,
    edge_parity,
    edge_rows,
    parity,
    refuse_infinite,
)
from spark_jobs.recommender.features.vocabulary import FEATURE_NAMES
from tests.recommender.builders import fitted, make_histories, make_index

USERS, ITEMS = 40, 60


@pytest.fixture(scope="module")
def booster() -> xgb.Booster:
    return xgb.Booster(model_file=bytearray(fitted(1)))


@pytest.fixture(scope="module")
def compare(spark: SparkSession, booster: xgb.Booster) -> Callable[[bytes], Parity]:
    """Parity of an exported model with the booster on real candidates."""
    generator = np.random.default_rng(0)
    histories = {
        f"u{u}": [(f"i{k:03d}", 1.0, float(n)) for n, k in enumerate(generator.choice(ITEMS, 8, False))]
        for u in range(USERS)
    }
    frame: DataFrame = spark.createDataFrame(pa.Table.from_batches([make_histories(histories, {})]))
    share: Callable[[object], Broadcast] = spark.sparkContext.broadcast
    index, native = share(make_index(ITEMS)), share(fitted(1))
    return lambda exported: parity(frame, index, native, share(exported))


def test_the_twin_gives_the_same_scores_and_the_same_lists(
    booster: xgb.Booster, compare: Callable[[bytes], Parity]
) -> None:
    model = to_onnx(booster)
    found = compare(model.SerializeToString())
    found.require()

    assert found.lists == USERS
    assert found.rows > USERS * 20
    assert found.max_difference < 1e-5
    assert found.same_top_10 == 1.0

    edge = edge_parity(booster, model.SerializeToString())
    edge.require()

    assert edge.rows == EDGE_ROWS


def test_edge_rows_hold_thresholds_and_missing_values(booster: xgb.Booster) -> None:
    rows = edge_rows(booster)
    trees = booster.trees_to_dataframe()
    thresholds = {(row.Feature, np.float32(row.Split)) for row in trees[trees.Feature != "Leaf"].itertuples()}
    met = {(name, value) for name, column in zip(FEATURE_NAMES, rows.T, strict=True) for value in np.unique(column)}

    assert thresholds <= met
    assert 0.08 < np.isnan(rows).mean() < 0.12


def changed(model: onnx.ModelProto, name: str, change: Callable[[list], list]) -> onnx.ModelProto:
    """The model with one attribute of its trees replaced."""
    copy = onnx.ModelProto.FromString(model.SerializeToString())
    for attribute in copy.graph.node[0].attribute:
        if attribute.name == name:
            values = change(list(onnx.helper.get_attribute_value(attribute)))
            attribute.CopyFrom(onnx.helper.make_attribute(name, values))
    return copy


def test_a_classifier_is_refused(booster: xgb.Booster) -> None:
    """What onnxmltools makes of a ranker that it is given as it is."""
    ranker = booster.copy()
    ranker.feature_names = None
    kinds = [("features", FloatTensorType([None, len(FEATURE_NAMES)]))]
    classifier = convert_xgboost(ranker, initial_types=kinds)

    with pytest.raises(ConversionError, match=r"TreeEnsembleClassifier.* and not one TreeEnsembleRegressor"):
        require_same_shape(booster, classifier)


def test_a_dropped_tree_is_refused(booster: xgb.Booster, compare: Callable[[bytes], Parity]) -> None:
    shorter = to_onnx(booster[:9])

    with pytest.raises(ConversionError, match="has 9 trees, the ranker 10"):
        require_same_shape(booster, shorter)
    with pytest.raises(ParityError, match=r"Worst: user u\d+, item i\d+: .* became .*Not promoted"):
        compare(shorter.SerializeToString()).require()


def test_permuted_features_are_refused(booster: xgb.Booster, compare: Callable[[bytes], Parity]) -> None:
    count = len(FEATURE_NAMES)
    permuted = changed(to_onnx(booster), "nodes_featureids", lambda ids: [(k + 1) % count for k in ids])
    require_same_shape(booster, permuted)
    found = compare(permuted.SerializeToString())

    assert found.same_top_10 < 1
    with pytest.raises(ParityError):
        found.require()
    with pytest.raises(ParityError, match="made-up row"):
        edge_parity(booster, permuted.SerializeToString()).require()


def test_a_wrong_base_score_is_refused(booster: xgb.Booster, compare: Callable[[bytes], Parity]) -> None:
    """Every list stays the same, and yet the scores are not the ranker's."""
    moved = changed(to_onnx(booster), "base_values", lambda values: [values[0] + 0.5])
    require_same_shape(booster, moved)
    found = compare(moved.SerializeToString())

    assert found.same_top_10 == 1.0
    assert found.max_difference == pytest.approx(0.5, abs=1e-5)
    with pytest.raises(ParityError, match=r"differ by up to 0\.5"):
        found.require()


def test_infinite_features_are_refused_by_name() -> None:
    features = np.zeros((3, 2), dtype=np.float32)
    refuse_infinite(features, ("a", "b"))
    features[1, 1] = np.inf

    with pytest.raises(ParityError, match=r"Features are infinite.*: b"):
        refuse_infinite(features, ("a", "b"))


def test_nothing_compared_proves_nothing() -> None:
    with pytest.raises(ParityError, match="on 0 rows"):
        Parity(0, 0, 0.0, 1.0, "no user has candidates").require()


def test_more_users_are_taken_until_there_are_rows_enough(
    monkeypatch: pytest.MonkeyPatch, booster: xgb.Booster, compare: Callable[[bytes], Parity]
) -> None:
    monkeypatch.setattr(parity_module, "SAMPLED_USERS", 4)
    monkeypatch.setattr(parity_module, "ROWS", 1)
    few = compare(to_onnx(booster).SerializeToString())

    assert 0 < few.lists < USERS

    monkeypatch.setattr(parity_module, "ROWS", 10**9)

    assert compare(to_onnx(booster).SerializeToString()).lists == USERS
