"""Per-user metrics of the ranker and of every source on a test window, over the full eligible catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import Broadcast

from spark_jobs.recommender.candidates import UNRANKED, propose
from spark_jobs.recommender.evaluation.metrics import METRICS, bootstrap_interval
from spark_jobs.recommender.ranking.examples import ArrowMap, relevance
from spark_jobs.recommender.ranking.ranker import best_per_user, ranker_scores
from spark_jobs.recommender.snapshots.batches import resized
from spark_jobs.recommender.snapshots.retrieval_index import RetrievalIndex
from spark_jobs.recommender.snapshots.user_batch import user_batch
from spark_jobs.recommender.sources import SOURCES

RANKER, CHAMPION = "ranker", "champion"
"""Names of tonight's ranker and of the one that serves among the contenders; the others are sources."""
LIST_LENGTH = 20
_NAMES = (*METRICS, "pool_recall")
COLUMNS = "user_id string, contender string, relevant int, top_items array<string>, " + ", ".join(
    f"{name} double" for name in _NAMES
)
_SCHEMA = pa.schema(
    [("user_id", pa.string()), ("contender", pa.string()), ("relevant", pa.int32())]
    + [("top_items", pa.list_(pa.string()))]
    + [(name, pa.float64()) for name in _NAMES]
)


def evaluator(index: Broadcast[RetrievalIndex], models: Broadcast[dict[str, bytes]]) -> ArrowMap:
    """A function for `mapInArrow` from histories with `relevant` to one row per user and contender.

    Contenders are the models by name, and every source.
    """

    def evaluate(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in resized(batches, index.value.items):
            rows = list(_rows(batch, index.value, models.value))
            yield pa.RecordBatch.from_pylist(rows, schema=_SCHEMA)

    return evaluate


def _rows(batch: pa.RecordBatch, index: RetrievalIndex, models: dict[str, bytes]) -> Iterator[dict[str, Any]]:
    users = user_batch(batch, index)
    found = propose(users, index)
    relevant = relevance(batch, users, index)
    hits = relevant[found.users, found.items]
    counts = pc.list_value_length(batch["relevant"]).to_numpy(zero_copy_only=False)
    everything = np.ones(len(hits), dtype=bool)
    contenders = {name: (ranker_scores(found, model), everything) for name, model in models.items()}
    for name in SOURCES:
        contenders[name] = (-found.ranks[name], found.proposed[name] & (found.ranks[name] < UNRANKED))
    for contender, (scores, proposed) in contenders.items():
        best = best_per_user(found, np.where(proposed, scores, -np.inf), LIST_LENGTH)
        pairs = best.pairs[proposed[best.pairs]]
        bounds = np.searchsorted(found.users[pairs], np.arange(users.shape[0] + 1))
        pool_hits = np.bincount(found.users, weights=hits & proposed, minlength=users.shape[0])
        for row, user_id in enumerate(users.user_ids):
            mine = pairs[bounds[row] : bounds[row + 1]]
            yield {
                "user_id": user_id,
                "contender": contender,
                **{name: metric(hits[mine], int(counts[row])) for name, metric in METRICS.items()},
                "pool_recall": float(pool_hits[row] / counts[row]),
                "relevant": int(counts[row]),
                "top_items": index.item_ids.take(pa.array(found.items[mine[:10]])).to_pylist(),
            }


SUMMARY_COLUMNS = "contender string, metric string, value double, low double, high double, users bigint"


def summarise(table: pa.Table) -> pa.Table:
    """Mean and interval of every metric of one contender (for `groupBy("contender").applyInArrow`)."""
    table = table.sort_by("user_id")
    rows = []
    for metric in _NAMES:
        values = table[metric].to_numpy()
        low, high = bootstrap_interval(values)
        rows.append(
            {
                "contender": table["contender"][0].as_py(),
                "metric": metric,
                "value": float(values.mean()),
                "low": low,
                "high": high,
                "users": len(values),
            }
        )
    return pa.Table.from_pylist(rows)
