"""Small retrieval indexes and histories for tests, through the functions the jobs use."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import xgboost as xgb

from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex
from spark_jobs.recommender.features.vocabulary import FEATURE_NAMES
from spark_jobs.recommender.indexing import index_as_of
from spark_jobs.recommender.ranking.ranker import to_bytes
from spark_jobs.recommender.sources import SOURCES


def make_index(
    items: int, seed: int = 0, eligible: list[bool] | None = None, depths: dict | None = None
) -> RetrievalIndex:
    """An index of `items` items with random contents."""
    generator = np.random.default_rng(seed)
    ids = [f"i{k:03d}" for k in range(items)]
    share = generator.dirichlet(np.ones(items)).tolist()
    names = ("popularity_7d", "popularity_30d", "popularity_180d", "popularity_all", "returning_popularity")
    names += ("popularity_last_year",)
    features = pa.table(
        {
            "item_id": ids,
            "title": [f"Title {k}" for k in range(items)],
            "categories": pa.array([[f"c{k % 3}"] for k in range(items)], pa.list_(pa.string())),
            "attributes": pa.array([[("brand", f"b{k % 4}")] for k in range(items)], pa.map_(pa.string(), pa.string())),
            "eligible": eligible or [True] * items,
            **dict.fromkeys(names, share),
            "age_days": [100.0] * items,
            "listed_days": [float(k) for k in range(items)],
            "usual_position": [1.0] * items,
            "repeat_share": [0.1] * items,
            "mean_weight": [0.5] * items,
        }
    )
    others = [generator.permutation([j for j in range(items) if j != k])[:5] for k in range(items)]
    models = ("item_to_item", "next_item", "past_to_future", "ease")
    neighbours = pa.table(
        {
            "item_id": ids,
            "neighbour_ids": [[ids[j] for j in row] for row in others],
            "similarities": pa.array([[0.5, 0.4, 0.3, 0.2, 0.1]] * items, pa.list_(pa.float32())),
        }
    )
    factors = pa.table(
        {"item_id": ids, "factors": pa.array(generator.normal(size=(items, 4)).tolist(), pa.list_(pa.float32()))}
    )
    learnt = pa.concat_tables([neighbours.append_column("source", pa.repeat(name, items)) for name in models])
    segments = pa.table(
        {
            "attribute": ["age", "age", "city"],
            "value": ["10 to 29", "30 to 60", "Ulm"],
            "lowest": pa.array([10.0, 30.0, None]),
            "item_ids": [ids[:2], ids[2:4], ids[4:5]],
            "departures": [[0.2, -0.1], [0.1, 0.1], [0.3]],
        }
    )
    tables = {"gold.item_features": features, "gold.item_neighbours": learnt, "gold.item_factors": factors}
    tables["gold.segment_popularity"] = segments
    all_on = {name: source.candidates_per_user for name, source in SOURCES.items()}
    return index_as_of(lambda name: tables[name].to_reader(), depths or all_on)


def make_histories(
    histories: dict[str, list[tuple[str, float, float]]],
    blocked: dict[str, list[str]],
    attributes: dict[str, dict[str, str]] | None = None,
) -> pa.RecordBatch:
    """Rows of gold.user_histories with attributes, from (item, weight, age in days) per user, oldest first."""
    users = list(histories)
    strings, floats = pa.list_(pa.string()), pa.list_(pa.float32())
    return pa.RecordBatch.from_arrays(
        [
            pa.array(users),
            pa.array([[event[0] for event in histories[user]] for user in users], strings),
            pa.array([[event[1] for event in histories[user]] for user in users], floats),
            pa.array([[event[2] for event in histories[user]] for user in users], floats),
            pa.array([len(histories[user]) for user in users], pa.int64()),
            pa.array([max((e[2] for e in histories[user]), default=float("nan")) for user in users], pa.float32()),
            pa.array([blocked.get(user, []) for user in users], strings),
            pa.array(
                [list((attributes or {}).get(user, {}).items()) for user in users], pa.map_(pa.string(), pa.string())
            ),
        ],
        [
            "user_id",
            "item_ids",
            "weights",
            "ages_days",
            "events_total",
            "tenure_days",
            "blocked_item_ids",
            "attributes",
        ],
    )


def fitted(seed: int) -> bytes:
    """A small ranker with the code's features, fitted to noise."""
    generator = np.random.default_rng(seed)
    values = generator.random((400, len(FEATURE_NAMES))) * 50
    data = xgb.DMatrix(
        values,
        generator.integers(0, 2, 400),
        qid=np.repeat(np.arange(20), 20),
        feature_names=list(FEATURE_NAMES),
    )
    return to_bytes(xgb.train({"objective": "rank:ndcg", "max_depth": 3, "seed": seed}, data, 10))
