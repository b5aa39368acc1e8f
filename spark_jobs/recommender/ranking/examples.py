"""Training examples: the candidates retrieval really proposed, labelled with what came after."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from spark_jobs.recommender.arrays.batches import resized
from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex
from spark_jobs.recommender.arrays.sharing import SharedIndex
from spark_jobs.recommender.arrays.user_batch import UserBatch, user_batch
from spark_jobs.recommender.candidates import propose
from spark_jobs.recommender.features.vocabulary import FEATURE_NAMES

NEGATIVES_KEPT = 0.3
"""Share of the candidates not taken that become examples, chosen by a hash of user and item."""

COLUMNS = "as_of date, user_id string, item_id string, label int, label_tested int, " + ", ".join(
    f"{name} float" for name in FEATURE_NAMES
)

ArrowMap = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def example_maker(indexes: Mapping[date, SharedIndex], test: date) -> ArrowMap:
    """A function for `mapInArrow` from histories with `relevant` and `tested` to training examples.

    `indexes` are those of the histories' snapshots. `label_tested` is NULL at the one that the `test` is taken on, and
    of examples that there are for what was taken in the test window alone.
    """

    def make(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for day in pc.unique(batch["as_of"]).to_pylist():
                index = indexes[day].value
                for users in resized([batch.filter(pc.field("as_of") == day)], index.items):
                    yield _examples(users, index, day, tested=day < test)

    return make


def relevance(batch: pa.RecordBatch, users: UserBatch, index: RetrievalIndex, column: str = "relevant") -> np.ndarray:
    """users × items, True where the column lists the item for the user."""
    lists = batch[column]
    items = index.positions(pc.list_flatten(lists))
    rows = pc.list_parent_indices(lists).to_numpy()
    relevant = np.zeros(users.shape, dtype=bool)
    relevant[rows[items >= 0], items[items >= 0]] = True
    return relevant


def _examples(batch: pa.RecordBatch, index: RetrievalIndex, as_of: date, *, tested: bool) -> pa.RecordBatch:
    users = user_batch(batch, index)
    candidates = propose(users, index)
    labels = relevance(batch, users, index)[candidates.users, candidates.items]
    labels_tested = relevance(batch, users, index, "tested")[candidates.users, candidates.items] & labels
    hit = np.bincount(candidates.users, weights=labels, minlength=users.shape[0]) > 0
    sampled = _sampled(users.user_ids, candidates.users, candidates.items)
    keep = hit[candidates.users] & (labels | sampled)
    # What is an example for what was taken in the test window alone would tell of it: as a user, and as a row that
    # stands for itself where other negatives stand for many.
    hit_tested = np.bincount(candidates.users, weights=labels_tested, minlength=users.shape[0]) > 0
    of_test = ~hit_tested[candidates.users] | (labels & ~labels_tested & ~sampled)
    untested = np.full(keep.sum(), fill_value=True) if not tested else of_test[keep]
    user_ids = pa.array(users.user_ids, pa.string()).take(pa.array(candidates.users[keep]))
    columns: list[pa.Array] = [
        pa.repeat(pa.scalar(as_of, pa.date32()), len(user_ids)),
        user_ids,
        index.item_ids.take(pa.array(candidates.items[keep])),
        pa.array(labels[keep].astype(np.int32)),
        pa.array(labels_tested[keep].astype(np.int32), mask=untested),
        *[pa.array(column) for column in candidates.features[keep].T],
    ]
    return pa.RecordBatch.from_arrays(columns, ["as_of", "user_id", "item_id", "label", "label_tested", *FEATURE_NAMES])


def real_rows(examples: DataFrame, names: Sequence[str], count: int = 5) -> pd.DataFrame:
    """Some rows of the named features, as float32: what a model is shown with."""
    return examples.select(*names).limit(count).toPandas().astype(np.float32)


def _sampled(user_ids: list[str], users: np.ndarray, items: np.ndarray) -> np.ndarray:
    """A fixed pseudo-random share of the pairs: the same pairs whatever the batches were."""
    seeds = np.array([zlib.crc32(user.encode()) for user in user_ids], dtype=np.uint64)
    mixed = (seeds[users] + items.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(31)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return np.asarray((mixed >> np.uint64(40)) < NEGATIVES_KEPT * 2**24)
