"""Co-visitation against brute force, and folding in against Spark's own user factors."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from pyspark.ml.recommendation import ALS
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from scipy import sparse

from spark_jobs.recommender.arrays import batches
from spark_jobs.recommender.sources.als.fit import factorise, item_factors
from spark_jobs.recommender.sources.als.fold_in import (
    ALPHA,
    ITERATIONS,
    RANK,
    REGULARISATION,
    ItemFactors,
    fold_in,
)
from spark_jobs.recommender.sources.als.score import factor_matrix
from spark_jobs.recommender.sources.item_models import MODELS, item_models
from spark_jobs.recommender.sources.item_to_item.fit import SHRINKAGE, count_bucket, neighbours, neighbours_of_all

HISTORIES = "as_of date, user_id string, item_ids array<string>, weights array<float>"


def random_histories(users: int, items: int, seed: int = 0) -> list[tuple[str, list[str], list[float]]]:
    generator = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        taken = generator.choice(items, size=generator.integers(1, 8), replace=False)
        rows.append((f"u{user}", [f"i{k}" for k in taken], generator.choice([1.0, 0.4, -0.5], len(taken)).tolist()))
    return rows


def brute_force(rows: list[tuple[str, list[str], list[float]]]) -> dict[tuple[str, str], float]:
    positive = [{item: w for item, w in zip(items, weights, strict=True) if w > 0} for _, items, weights in rows]
    names = sorted({item for user in positive for item in user})
    norm = {item: sum(user.get(item, 0) ** 2 for user in positive) for item in names}
    return {
        (a, b): together / (np.sqrt(norm[a] * norm[b]) + SHRINKAGE)
        for a in names
        for b in names
        if a != b and (together := sum(user.get(a, 0) * user.get(b, 0) for user in positive)) > 0
    }


def test_similarities_equal_brute_force_in_one_bucket_and_in_several(spark: SparkSession) -> None:
    of_days = {date(2026, 1, 1): random_histories(60, 15), date(2026, 2, 1): random_histories(8, 15)}
    rows = [(day, *row) for day, of_day in of_days.items() for row in of_day]
    frame = spark.createDataFrame(rows, HISTORIES).withColumns({"events_total": F.size("item_ids")})
    events = {day: sum(len(items) for _, items, _ in of_day) for day, of_day in of_days.items()}

    assert 100 in range(*sorted(events.values()))

    expected = {(day, *pair): value for day, of_day in of_days.items() for pair, value in brute_force(of_day).items()}
    # All in one go, the larger snapshot in buckets, both in buckets.
    for most_events in (1_000, 100, 20):
        found = {
            (row.as_of, row.item_id, other): similarity
            for row in neighbours(frame, most_events).collect()
            for other, similarity in zip(row.neighbour_ids, row.similarities, strict=True)
        }
        assert found.keys() == expected.keys()
        assert all(abs(found[pair] - expected[pair]) < 1e-6 for pair in expected)


def test_item_to_item_learns_from_everybody_where_other_models_have_a_sample(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [date(2026, 1, 1), date(2026, 2, 1)]
    rows = [(day, *row) for number, day in enumerate(days) for row in random_histories(60, 15, seed=number)]
    rows.append((date(2026, 3, 1), "returner", ["i0"], [-1.0]))
    frame = spark.createDataFrame(rows, HISTORIES).withColumns(
        {"events_total": F.size("item_ids"), "ages_days": F.expr("transform(item_ids, (item, n) -> 90D - n)")}
    )

    def learnt(names: list[str]) -> dict[tuple[date, str, str], tuple[list[str], list[float]]]:
        found = item_models(frame, names).collect()
        return {(r.as_of, r.source, r.item_id): (r.neighbour_ids, r.similarities) for r in found}

    whole = learnt([*MODELS])

    assert {(day, source) for day, source, _ in whole} == {(d, s) for d in days for s in ("item_to_item", *MODELS)}

    of_items = {key: value for key, value in whole.items() if key[1] == "item_to_item"}

    assert learnt([]) == of_items

    monkeypatch.setattr(batches, "MOST_USERS", 20)
    sampled = learnt([*MODELS])

    assert {key: value for key, value in sampled.items() if key[1] == "item_to_item"} == of_items
    assert sampled != whole


def test_users_without_positive_events_give_no_neighbours() -> None:
    table = pa.table(
        {
            "as_of": pa.array([0], pa.date32()),
            "user_id": ["u"],
            "item_ids": pa.array([["a", "b"]], pa.list_(pa.string())),
            "weights": pa.array([[-1.0, -1.0]], pa.list_(pa.float32())),
        }
    )
    for learn in (count_bucket, neighbours_of_all):
        assert sum(batch.num_rows for batch in learn(iter(table.to_batches()))) == 0

    assert factorise(table).num_rows == 0


def test_folding_in_gives_the_factors_that_als_gives_its_own_users(spark: SparkSession) -> None:
    generator = np.random.default_rng(3)
    matrix = sparse.csr_matrix((generator.random((80, 30)) < 0.2) * generator.choice([0.4, 1.0], (80, 30)))
    rows = [(int(u), int(i), float(matrix[u, i])) for u, i in zip(*matrix.nonzero(), strict=True)]
    als = ALS(
        rank=RANK, maxIter=ITERATIONS, regParam=REGULARISATION, alpha=ALPHA, implicitPrefs=True, seed=1,
        userCol="user", itemCol="item", ratingCol="rating",
    )  # fmt: skip
    model = als.fit(spark.createDataFrame(rows, "user int, item int, rating double"))
    items = np.zeros((30, RANK), dtype=np.float32)
    for row in model.itemFactors.collect():
        items[row.id] = row.features
    users = {row.id: np.array(row.features) for row in model.userFactors.collect()}
    folded = fold_in(matrix, ItemFactors(items))
    agreement = [np.corrcoef(items @ folded[user], items @ users[user])[0, 1] for user in users]

    assert min(agreement) > 0.98


def test_one_worker_and_mllib_give_factors_of_the_same_quality(spark: SparkSession) -> None:
    """Users of two tastes: what is held out must come back, whichever way factorises."""
    generator = np.random.default_rng(5)
    rows, held = [], {}
    for user in range(120):
        taste = [f"i{k:02d}" for k in generator.permutation(20)[:9] + 20 * (user % 2)]
        rows.append((date(2026, 1, 1), f"u{user}", taste[:-1], [1.0] * 8))
        held[f"u{user}"] = taste[-1]
    frame = spark.createDataFrame(rows, HISTORIES).withColumn("events_total", F.size("item_ids"))

    def hit_rate(most_events: int) -> float:
        found = item_factors(frame, 2, most_events).toArrow()
        ids = found["item_id"].to_pylist()
        factors = factor_matrix(found, pa.array(ids))
        hits = 0
        for _, user, taken, _ in rows:
            ratings = sparse.csr_matrix(np.isin(ids, taken).astype(float))
            scores = (fold_in(ratings, factors) @ factors.factors.T)[0]
            scores[np.isin(ids, taken)] = -np.inf
            hits += held[user] in [ids[k] for k in np.argsort(-scores)[:12]]
        return hits / len(rows)

    rates = hit_rate(10**9), hit_rate(0)

    # 12 of the 32 items that a user has not taken: .375 by chance.
    assert min(rates) > 0.45, rates
    assert abs(rates[0] - rates[1]) < 0.15, rates


def test_factors_depend_neither_on_the_order_of_users_nor_on_people_who_took_nothing() -> None:
    rows = random_histories(40, 12)
    tables = [
        pa.table(
            {
                "as_of": pa.array([0] * len(order), pa.date32()),
                "user_id": [row[0] for row in order],
                "item_ids": pa.array([row[1] for row in order], pa.list_(pa.string())),
                "weights": pa.array([row[2] for row in order], pa.list_(pa.float32())),
            }
        )
        for order in (rows, rows[::-1], [("new user", [], []), *rows])
    ]

    assert factorise(tables[0]).equals(factorise(tables[1]))
    assert factorise(tables[0]).equals(factorise(tables[2]))
