"""Smaller and simpler models: all are made, measured and told apart; the smallest within the loss is chosen."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pyarrow as pa
import pytest
import xgboost as xgb
from onnxruntime.quantization import quantize_dynamic
from pyspark.sql import SparkSession

from spark_jobs.recommender.export.conversion import onnx_scores, to_onnx
from spark_jobs.recommender.features.vocabulary import FEATURE_NAMES
from spark_jobs.recommender.ranking.params import RANKING, TREES, tree_params
from spark_jobs.recommender.ranking.ranker import to_bytes
from spark_jobs.recommender.sources import SOURCES
from spark_jobs.recommender.variants.comparison import BEST_SOURCE, FULL, compare, smallest
from spark_jobs.recommender.variants.trials import trials
from spark_jobs.recommender.variants.variants import FEWER_FEATURES, VARIANTS
from tests.recommender.builders import make_histories, make_index

NAMES = [variant.name for variant in VARIANTS]
ROWS, PER_QUERY = 3_000, 30


@pytest.fixture(scope="module")
def examples() -> pd.DataFrame:
    generator = np.random.default_rng(3)
    values = generator.random((ROWS, len(FEATURE_NAMES))).astype(np.float32) * 10
    values[generator.random(values.shape) < 0.05] = np.nan
    frame = pd.DataFrame(values, columns=list(FEATURE_NAMES))
    wanted = frame["als_score"].fillna(0) - frame["als_rank"].fillna(10) + generator.normal(0, 2, ROWS)
    frame["query"] = np.arange(ROWS) // PER_QUERY
    frame["item_id"] = [f"i{k % PER_QUERY:03d}" for k in range(ROWS)]
    frame["label_tested"] = (wanted > 4).astype("int32")
    return frame


@pytest.fixture(scope="module")
def full(examples: pd.DataFrame) -> xgb.Booster:
    data = xgb.DMatrix(
        examples[list(FEATURE_NAMES)],
        examples["label_tested"],
        qid=examples["query"],
        feature_names=list(FEATURE_NAMES),
    )
    return xgb.train(tree_params(len(examples)) | RANKING, data, TREES)


def made_of(
    spark: SparkSession, examples: pd.DataFrame, full: xgb.Booster, seconds: float = 600, most_rows: int = ROWS
) -> list[dict[str, Any]]:
    frame = spark.createDataFrame(examples).repartition(2)
    return trials(frame, "label_tested", to_bytes(full), NAMES, most_rows, threads=2, seconds=seconds)


@pytest.fixture(scope="module")
def made(spark: SparkSession, examples: pd.DataFrame, full: xgb.Booster) -> list[dict[str, Any]]:
    return made_of(spark, examples, full)


def test_every_variant_is_made_and_measured(made: list[dict[str, Any]]) -> None:
    assert [row["variant"] for row in made] == NAMES

    for row in made:
        assert row["note"] is None
        assert 0 < row["bytes_zstd"] < row["bytes"]
        assert row["rows_per_second"] > 0
        assert row["onnx_rows_per_second"] > 0

    assert {row["variant"] for row in made if row["booster"] is None} == {"logistic_regression", "linear_regression"}


def test_variants_are_what_they_say(made: list[dict[str, Any]], examples: pd.DataFrame, full: xgb.Booster) -> None:
    rows = {row["variant"]: row for row in made}
    boosters = {name: xgb.Booster(model_file=bytearray(row["booster"])) for name, row in rows.items() if row["booster"]}

    assert boosters[FULL].num_boosted_rounds() == TREES
    assert boosters["first_half"].num_boosted_rounds() == TREES // 2
    assert boosters["first_quarter"].num_boosted_rounds() == TREES // 4
    assert len(boosters["fewer_features"].feature_names or []) <= FEWER_FEATURES

    sizes = {name: len(booster.trees_to_dataframe()) for name, booster in boosters.items()}

    assert sizes["pruned"] < sizes[FULL]
    assert sizes["float16"] == sizes[FULL]
    # What the reference says of half precision: the files keep floats.
    assert rows["float16"]["bytes"] == pytest.approx(rows[FULL]["bytes"], rel=0.01)

    # Of the feature that has the most.
    thresholds = {
        name: booster.trees_to_dataframe().groupby("Feature").Split.nunique().max()
        for name, booster in boosters.items()
    }

    assert thresholds["coarse_bins"] <= 16 < thresholds[FULL]

    teacher = full.predict(xgb.DMatrix(examples[list(FEATURE_NAMES)]))
    for name, least in (("distilled", 0.9), ("logistic_regression", 0.5), ("small", 0.8)):
        row = rows[name]
        scores = onnx_scores(row["onnx"], examples[row["names"]].to_numpy(np.float32))
        assert np.corrcoef(scores, teacher)[0, 1] > least, name


def test_what_no_time_is_left_for_says_so(spark: SparkSession, examples: pd.DataFrame, full: xgb.Booster) -> None:
    found = made_of(spark, examples, full, seconds=0)
    assert all(row["note"] == "not tried: 0 s were over" and row["onnx"] is None for row in found)


def test_beyond_the_most_rows_all_are_trained_on_the_same_sample(
    spark: SparkSession, examples: pd.DataFrame, full: xgb.Booster
) -> None:
    found = {row["variant"]: row for row in made_of(spark, examples, full, most_rows=ROWS // 2)}

    assert "of the rows, the full one too" in found[FULL]["note"]
    assert found[FULL]["booster"] != to_bytes(full)


def test_all_are_compared_on_the_same_users(spark: SparkSession, made: list[dict[str, Any]]) -> None:
    generator = np.random.default_rng(0)
    histories = {
        f"u{u:02d}": [(f"i{k:03d}", 1.0, float(n)) for n, k in enumerate(generator.choice(60, 8, False))]
        for u in range(30)
    }
    relevant = pa.array([[f"i{k:03d}" for k in generator.choice(60, 5, False)] for _ in histories])
    batch = make_histories(histories, {}).append_column("relevant", relevant)
    users = spark.createDataFrame(pa.Table.from_batches([batch]))
    context = spark.sparkContext
    found = compare(users, context.broadcast(make_index(60)), context.broadcast(made))

    assert [row["variant"] for row in found] == [*NAMES, BEST_SOURCE]
    assert found[-1]["note"] in SOURCES

    for row in found:
        assert row["users"] == 30
        assert row["low"] <= row["ndcg_at_10"] <= row["high"]
        assert row["difference"] == pytest.approx(row["ndcg_at_10"] - found[0]["ndcg_at_10"])

    assert found[0]["difference_low"] == found[0]["difference_high"] == 0


def test_the_smallest_ranker_within_the_loss_is_chosen() -> None:
    def row(variant: str, size: int, ndcg: float, booster: bytes | None = b"x") -> dict[str, Any]:
        return {"variant": variant, "bytes": size, "ndcg_at_10": ndcg, "difference": ndcg - 0.4, "booster": booster}

    rows = [row(FULL, 200, 0.4), row("small", 100, 0.399), row("tiny", 20, 0.39), row("ease", 1, 0.4, None)]

    assert smallest(rows, 0.0) == FULL
    assert smallest(rows, 0.005) == "small"
    assert smallest(rows, 0.05) == "tiny"


def test_the_runtime_has_no_integers_for_tree_ensembles(full: xgb.Booster, tmp_path: Any) -> None:
    """Why there is no such variant: the day this fails there can be one."""
    (tmp_path / "full.onnx").write_bytes(to_onnx(full).SerializeToString())

    with pytest.raises(Exception, match=r"ai\.onnx domain"):
        quantize_dynamic(tmp_path / "full.onnx", tmp_path / "integers.onnx")
    assert onnxruntime.__version__
