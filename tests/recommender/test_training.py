"""What a ranker is fitted to, and when equal examples give an equal model."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from sklearn.metrics import roc_auc_score

from spark_jobs.recommender.features.vocabulary import FEATURE_NAMES
from spark_jobs.recommender.ranking import training
from spark_jobs.recommender.ranking.params import LOGISTIC, LOGISTIC_WEIGHT, RANKING, TREES, constraints, tree_params
from spark_jobs.recommender.ranking.training import content_digest, fit
from spark_jobs.recommender.ranking.training_rows import TrainingRows


def test_the_digest_changes_with_whatever_changes_the_model(spark: SparkSession) -> None:
    frame = spark.sql("SELECT * FROM VALUES ('u', 1, 0.5F), ('v', 0, FLOAT('NaN')) AS t(user_id, label, feature)")
    digest = content_digest(frame, ["user_events"], "cpu", "v1")

    assert content_digest(frame.orderBy("label"), ["user_events"], "cpu", "v1") == digest
    assert content_digest(frame.unionAll(frame), ["user_events"], "cpu", "v1") != digest
    assert content_digest(frame, ["user_events"], "cuda", "v1") != digest
    assert content_digest(frame, ["user_events"], "cpu", "v2") != digest
    assert content_digest(frame, ["user_recency_days"], "cpu", "v1") != digest


def test_constraints_are_part_of_the_digest(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = spark.range(3)
    before = content_digest(frame, ["user_events"], "cpu", "v1")
    monkeypatch.setattr(training, "constraints", lambda _: "(1)")

    assert content_digest(frame, ["user_events"], "cpu", "v1") != before


def test_both_labels_are_fitted_to_the_rows_that_have_them_in_whatever_order_they_come(spark: SparkSession) -> None:
    generator = np.random.default_rng(5)
    values = generator.random((2_000, len(FEATURE_NAMES)), dtype=np.float32)
    values[generator.random(values.shape) < 0.05] = np.nan
    frame = pd.DataFrame(values, columns=list(FEATURE_NAMES))
    frame["query"] = (np.arange(len(frame)) // 20).astype(np.int32)
    frame["item_id"] = [f"i{k % 20:02d}" for k in range(len(frame))]
    frame["label"] = (frame["als_score"].fillna(0) > 0.8).astype("int32")
    older = frame["query"] < 60
    frame["label_tested"] = frame["label"].where(older & (frame["item_id"] < "i10"), 0).where(older).astype("Int32")
    examples = spark.createDataFrame(frame)
    boosters = fit(examples.orderBy(F.rand(1)).repartition(3), list(FEATURE_NAMES), "cpu", threads=2)
    for label, rows in (("label", frame), ("label_tested", frame[older])):
        features = rows[list(FEATURE_NAMES)]
        data = xgb.QuantileDMatrix(features, rows[label], qid=rows["query"], max_bin=64)
        params = tree_params(len(rows)) | {"monotone_constraints": constraints(FEATURE_NAMES)}
        ranking, logistic = (xgb.train(params | kind, data, TREES // 2) for kind in (RANKING, LOGISTIC))
        alone = ranking.predict(data) + LOGISTIC_WEIGHT * logistic.predict(data, output_margin=True)
        difference = boosters[label].predict(xgb.DMatrix(features)) - alone
        np.testing.assert_allclose(difference, difference[0], atol=1e-4)
        assert np.ptp(alone) > 1
        assert boosters[label].feature_names == list(FEATURE_NAMES)
        assert boosters[label].num_boosted_rounds() == TREES
        # Trees take turns, so that the first half of them is half of each kind.
        half = boosters[label][: TREES // 2].predict(xgb.DMatrix(features))
        halves = [booster[: TREES // 4].predict(data, output_margin=True) for booster in (ranking, logistic)]
        difference = half - halves[0] - LOGISTIC_WEIGHT * halves[1]
        np.testing.assert_allclose(difference, difference[0], atol=1e-4)


@pytest.mark.parametrize("rows", [200, 800])
def test_the_ranker_of_a_young_log_tells_candidates_apart(rows: int) -> None:
    generator = np.random.default_rng(6)
    features = generator.random((rows, 3), dtype=np.float32)
    labels = (features[:, 0] + generator.normal(0, 0.2, rows) > 0.8).astype(int)
    names = ["als_score", "ease_score", "user_events"]
    booster = TrainingRows(features, labels, np.arange(rows) // 20, names, threads=1).train()

    assert roc_auc_score(labels, booster.inplace_predict(features)) > 0.85


def test_a_worker_trains_on_the_threads_it_was_given() -> None:
    """Spark starts Python workers with OMP_NUM_THREADS=1."""
    program = """
import os
import numpy as np
from spark_jobs.recommender.ranking.training_rows import TrainingRows
random = np.random.default_rng(1)
features, queries = random.random((5_000, 2), dtype=np.float32), np.arange(5_000) // 20
names = ["als_score", "als_rank"]
for threads in (1, 3):
    TrainingRows(features, (features[:, 0] > 0.8).astype(int), queries, names, threads).train(trees=2)
    print(len(os.listdir("/proc/self/task")))
"""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    alone, together = map(int, done.stdout.split())

    assert together >= alone + 2
