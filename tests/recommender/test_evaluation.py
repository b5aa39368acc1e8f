"""An evaluation from histories to figures, on real Spark, against what a loop over users gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import Row, SparkSession

from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex
from spark_jobs.recommender.arrays.user_batch import user_batch
from spark_jobs.recommender.candidates import propose
from spark_jobs.recommender.evaluation.baselines import BASELINES
from spark_jobs.recommender.evaluation.evaluator import COLUMNS, FIRST_TIME, MODELS, RANKER, EvaluatedModels, evaluator
from spark_jobs.recommender.evaluation.metrics import DESCRIPTIONS, PER_USER
from spark_jobs.recommender.evaluation.summary import summary
from spark_jobs.recommender.ranking.exposure import Exposure
from spark_jobs.recommender.sources import SOURCES
from tests.recommender.builders import fitted, make_histories, make_index

ITEMS = 60


@dataclass(frozen=True)
class Measured:
    index: RetrievalIndex
    histories: pa.RecordBatch
    rows: dict[tuple[str, str], Row]
    figures: list[dict[str, Any]]


@pytest.fixture(scope="module")
def measured(spark: SparkSession) -> Measured:
    generator = np.random.default_rng(0)
    index = make_index(ITEMS)
    users = {
        f"u{u:02d}": [(f"i{k:03d}", 1.0, float(100 - n)) for n, k in enumerate(generator.choice(ITEMS, 3 + u, False))]
        for u in range(24)
    }
    # People who come for the first time are measured apart.
    users |= {f"v{u}": [] for u in range(6)}
    histories = make_histories(users, {"u03": ["i001", "i002"]})
    relevant = [[f"i{k:03d}" for k in generator.choice(ITEMS, 6, False)] for _ in users]
    # What is not in the catalogue was taken, too.
    relevant[0].append("unknown")
    batch = histories.append_column("relevant", pa.array(relevant, pa.list_(pa.string())))
    context = spark.sparkContext
    baselines = EvaluatedModels(
        {RANKER: fitted(1), "champion": fitted(2)}, Exposure(0.3, 0, np.full(ITEMS, 5.0), 0.5), heavy_from=15
    )
    frame = spark.createDataFrame(pa.Table.from_batches([batch]))
    evaluated = frame.mapInArrow(evaluator(context.broadcast(index), context.broadcast(baselines)), COLUMNS).persist()
    rows = {(row.user_id, row.model): row for row in evaluated.collect()}
    items = [(f"i{k:03d}", True, [f"c{k % 3}"]) for k in range(ITEMS)]
    features = spark.createDataFrame(items, "item_id string, eligible boolean, categories array<string>")
    return Measured(index, batch, rows, summary(evaluated, frame.select("user_id", "relevant"), features))


def of_returning(measured: Measured, model: str) -> list[Row]:
    """The model's rows of users who had events before the cutoff."""
    return [row for (_, name), row in measured.rows.items() if name == model and row.segment != FIRST_TIME]


def test_every_model_is_measured_on_every_user(measured: Measured) -> None:
    evaluated = {model for _, model in measured.rows}

    assert evaluated == {*MODELS, *SOURCES, *BASELINES}
    assert len(measured.rows) == 30 * len(evaluated)

    segments = {row.segment for row in measured.rows.values()}

    assert segments == {FIRST_TIME, "new", "light", "heavy"}
    assert {row.user_id for row in measured.rows.values() if row.segment == FIRST_TIME} == {f"v{u}" for u in range(6)}


def test_lists_hold_no_blocked_item_and_hits_are_what_was_taken(measured: Measured) -> None:
    taken = dict(
        zip(measured.histories["user_id"].to_pylist(), measured.histories["relevant"].to_pylist(), strict=True)
    )
    for (user, model), row in measured.rows.items():
        assert len(row.top_items) == len(set(row.top_items)) <= 20
        assert row.hits == [item in taken[user] for item in row.top_items]
        assert row.relevant == len(taken[user])
        assert list(row.scores) == sorted(row.scores, reverse=True), model
        if user == "u03":
            assert not {"i001", "i002"} & set(row.top_items)


def test_pools_and_what_a_source_alone_proposes_equal_a_loop(measured: Measured) -> None:
    found = propose(user_batch(measured.histories, measured.index), measured.index)
    for row, user in enumerate(measured.histories["user_id"].to_pylist()):
        taken = set(measured.histories["relevant"].to_pylist()[row])
        pairs = np.flatnonzero(found.users == row)
        proposed = {
            name: {measured.index.item_ids[int(found.items[k])].as_py() for k in pairs if found.proposed[name][k]}
            for name in SOURCES
        }
        for name, items in proposed.items():
            others = set().union(*(theirs for other, theirs in proposed.items() if other != name))
            assert measured.rows[user, name].pool_recall == pytest.approx(len(items & taken) / len(taken))
            assert measured.rows[user, name].marginal_recall == pytest.approx(
                len((items - others) & taken) / len(taken)
            )
        everything = set().union(*proposed.values())
        assert measured.rows[user, RANKER].pool_recall == pytest.approx(len(everything & taken) / len(taken))


def test_figures_are_means_and_differences_of_the_same_users(measured: Measured) -> None:
    rows = {(row["model"], row["metric"]): row for row in measured.figures if row["slice"] is None}
    for name in ("als", "most_frequent", "champion"):
        mine = np.array([row.ndcg_at_10 for row in of_returning(measured, name)])
        ours = np.array([row.ndcg_at_10 for row in of_returning(measured, RANKER)])
        row = rows[name, "ndcg_at_10"]
        assert row["value"] == pytest.approx(mine.mean())
        assert row["difference"] == pytest.approx((ours - mine).mean())
        assert row["low"] <= row["value"] <= row["high"]
        assert row["difference_low"] <= row["difference"] <= row["difference_high"]

    assert rows[RANKER, "ndcg_at_10"]["difference"] == 0
    assert {metric for _, metric in rows} == {*PER_USER, "coverage_at_10", "gini_at_10"}
    assert {metric for _, metric in rows} <= set(DESCRIPTIONS)
    assert {name for name, metric in rows if metric == "marginal_recall"} == set(SOURCES)


def test_parts_add_up(measured: Measured) -> None:
    parts = [row for row in measured.figures if row["model"] == RANKER and row["metric"] == "ndcg_at_10"]
    whole = next(row for row in parts if row["slice"] is None)
    first = next(row for row in parts if row["slice"] == f"users: {FIRST_TIME}")
    mine = [row.ndcg_at_10 for (user, name), row in measured.rows.items() if name == RANKER and user.startswith("v")]

    assert (first["users"], first["value"]) == (6, pytest.approx(np.mean(mine)))

    segments = [row for row in parts if row["slice"] not in {None, first["slice"]}]

    assert {row["slice"] for row in segments} == {"users: new", "users: light", "users: heavy"}
    assert sum(row["users"] for row in segments) == whole["users"] == 24
    assert sum(row["users"] * row["value"] for row in segments) / 24 == pytest.approx(whole["value"])

    places = [row for row in measured.figures if (row["slice"] or "").startswith("place: ")]
    tenths = [row for row in measured.figures if (row["slice"] or "").startswith("score tenth: ")]
    hits = sum(sum(row.hits) for row in of_returning(measured, RANKER))
    for part in (places, tenths):
        assert sum(round(row["value"] * row["users"]) for row in part) == hits > 0
    categories = [row for row in measured.figures if (row["slice"] or "").startswith("category: ")]

    assert {row["slice"] for row in categories} == {"category: c0", "category: c1", "category: c2"}


def test_coverage_and_gini_are_of_first_ten_places(measured: Measured) -> None:
    for name in ("popularity", RANKER):
        shown = [item for row in of_returning(measured, name) for item in row.top_items[:10]]
        found = {row["metric"]: row["value"] for row in measured.figures if row["model"] == name}
        assert found["coverage_at_10"] == pytest.approx(len(set(shown)) / ITEMS)
        assert 0 <= found["gini_at_10"] < 1
