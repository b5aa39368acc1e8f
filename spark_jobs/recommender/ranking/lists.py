"""Lists for every user inside vectorised Arrow functions: candidates, features, scores, rules, reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from pyspark import Broadcast

from spark_jobs.recommender.candidates import Candidates, propose
from spark_jobs.recommender.ranking.examples import ArrowMap
from spark_jobs.recommender.ranking.exposure import Exposure, balanced_scores
from spark_jobs.recommender.ranking.ranker import best_per_user, ranker_scores
from spark_jobs.recommender.ranking.reasons import main_sources, reasons
from spark_jobs.recommender.snapshots.batches import resized
from spark_jobs.recommender.snapshots.retrieval_index import RetrievalIndex
from spark_jobs.recommender.snapshots.user_batch import user_batch
from spark_jobs.recommender.sources import SOURCES

COLUMNS = "user_id string, rank int, item_id string, title string, score double, sources array<string>, reason string"


def list_maker(
    index: Broadcast[RetrievalIndex], model: Broadcast[bytes], exposure: Broadcast[Exposure], per_user: int
) -> ArrowMap:
    """A function for `mapInArrow` from histories to the rows of recommendation lists."""

    def make(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in resized(batches, index.value.items):
            yield _lists(batch, index.value, model.value, exposure.value, per_user)

    return make


def _lists(
    batch: pa.RecordBatch, index: RetrievalIndex, model: bytes, exposure: Exposure, per_user: int
) -> pa.RecordBatch:
    users = user_batch(batch, index)
    found = propose(users, index)
    scores = balanced_scores(users.user_ids, found.users, found.items, ranker_scores(found, model), exposure)
    best = best_per_user(found, scores, per_user)
    items = pa.array(found.items[best.pairs])
    main = main_sources(found, best.pairs)
    return pa.RecordBatch.from_arrays(
        [
            pa.array(users.user_ids, pa.string()).take(pa.array(found.users[best.pairs])),
            pa.array(best.places.astype(np.int32)),
            index.item_ids.take(items),
            index.titles.take(items),
            pa.array(scores[best.pairs]),
            _source_names(found, best.pairs, main),
            pa.array(reasons(users, index, found, best.pairs, main), pa.string()),
        ],
        ["user_id", "rank", "item_id", "title", "score", "sources", "reason"],
    )


def _source_names(found: Candidates, pairs: np.ndarray, main: np.ndarray) -> pa.Array:
    """Names of the sources that proposed each pair, the main one first."""
    sources = list(SOURCES)
    proposed = np.stack([found.proposed[name][pairs] for name in sources], axis=1)
    names = [
        [sources[first], *(sources[k] for k in np.flatnonzero(row) if k != first)]
        for row, first in zip(proposed, main, strict=True)
    ]
    return pa.array(names, pa.list_(pa.string()))
