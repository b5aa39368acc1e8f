"""What each variant is worth on the test window, on the same users, and which of them is small enough."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import Broadcast
from pyspark.sql import DataFrame

from spark_jobs.recommender.arrays.batches import resized
from spark_jobs.recommender.arrays.sharing import SharedIndex
from spark_jobs.recommender.arrays.user_batch import user_batch
from spark_jobs.recommender.candidates import propose
from spark_jobs.recommender.evaluation.evaluator import lists_of_pairs, source_scores
from spark_jobs.recommender.evaluation.metrics import TOP, bootstrap_intervals, ndcg_at
from spark_jobs.recommender.export.conversion import onnx_scores
from spark_jobs.recommender.ranking.examples import ArrowMap, relevance
from spark_jobs.recommender.ranking.ranker import columns_of
from spark_jobs.recommender.sources import SOURCES

FULL, BEST_SOURCE = "full", "best_source"
Trials = list[dict[str, Any]]
"""Rows of `trials`."""


def scorer(index: SharedIndex, trials: Broadcast[Trials]) -> ArrowMap:
    """A function for `mapInArrow` from histories with `relevant` to NDCG@10 of every variant and every source."""

    def score(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in resized(batches, index.value.items):
            users = user_batch(batch, index.value)
            candidates = propose(users, index.value)
            relevant = relevance(batch, users, index.value)
            counts = pc.list_value_length(batch["relevant"]).to_numpy(zero_copy_only=False)
            everything = np.ones(len(candidates.users), dtype=bool)
            scored = {
                row["variant"]: (onnx_scores(row["onnx"], columns_of(candidates.features, row["names"])), everything)
                for row in trials.value
            }
            scored |= {name: source_scores(candidates, name) for name in SOURCES}
            columns = {"user_id": pa.array(users.user_ids, pa.string())}
            for name, (scores, pool) in scored.items():
                lists = lists_of_pairs(candidates, scores, pool, users.shape[0]).items
                hits = np.take_along_axis(relevant, np.maximum(lists, 0), axis=1) & (lists >= 0)
                columns[name] = pa.array(ndcg_at(hits, counts, TOP))
            yield pa.RecordBatch.from_pydict(columns)

    return score


def compare(users: DataFrame, index: SharedIndex, trials: Broadcast[Trials]) -> Trials:
    """The trials with their NDCG@10, its interval, and the paired difference to the full model; best source last."""
    tried = [row["variant"] for row in trials.value]
    columns = ", ".join(["user_id string", *[f"{name} double" for name in (*tried, *SOURCES)]])
    measured = users.mapInArrow(scorer(index, trials), columns).toArrow().sort_by("user_id")
    best = max(SOURCES, key=lambda name: float(np.mean(measured[name].to_numpy())))
    values = np.column_stack([measured[name].to_numpy() for name in (*tried, best)])
    differences = values - values[:, [tried.index(FULL)]]
    low, high = bootstrap_intervals(np.hstack([values, differences]))
    count = values.shape[1]
    figures = [
        {
            "ndcg_at_10": float(values[:, k].mean()),
            "low": float(low[k]),
            "high": float(high[k]),
            "difference": float(differences[:, k].mean()),
            "difference_low": float(low[count + k]),
            "difference_high": float(high[count + k]),
            "users": len(values),
        }
        for k in range(count)
    ]
    source = {"variant": BEST_SOURCE, "note": best}
    return [row | figure for row, figure in zip([*trials.value, source], figures, strict=True)]


def smallest(compared: Trials, loss: float) -> str:
    """The smallest ranker whose NDCG@10 is at most the share `loss` below that of the full model."""
    full = next(row for row in compared if row["variant"] == FULL)
    enough = [row for row in compared if row.get("booster") and row["difference"] >= -loss * full["ndcg_at_10"]]
    return str(min(enough, key=lambda row: (row["bytes"], row["variant"] != FULL))["variant"])
