"""Lists for every user inside vectorised Arrow functions: candidates, features, scores, rules, reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark import Broadcast

from spark_jobs.recommender.arrays.batches import resized
from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex
from spark_jobs.recommender.arrays.scores import allowed_items
from spark_jobs.recommender.arrays.sharing import SharedIndex
from spark_jobs.recommender.arrays.user_batch import UserBatch, user_batch
from spark_jobs.recommender.candidates import Candidates, propose
from spark_jobs.recommender.ranking.examples import ArrowMap
from spark_jobs.recommender.ranking.exposure import Exposure, diversified_scores, standardised
from spark_jobs.recommender.ranking.ranker import best_per_user, ranker_scores
from spark_jobs.recommender.ranking.reasons import main_sources, reasons, source_names
from spark_jobs.recommender.ranking.shaping import PINNED, Shape, may_fill, with_pins

PINNED_WORDS = "Selected for everyone"
COLUMNS = "user_id string, rank int, item_id string, title string, score double, sources array<string>, reason string"


def list_maker(
    index: SharedIndex, model: Broadcast[bytes], exposure: Broadcast[Exposure], shape: Broadcast[Shape]
) -> ArrowMap:
    """A function for `mapInArrow` from histories to the rows of recommendation lists."""

    def make(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in resized(batches, index.value.items):
            yield _lists(batch, index.value, model.value, exposure.value, shape.value)

    return make


def _lists(
    batch: pa.RecordBatch, index: RetrievalIndex, model: bytes, exposure: Exposure, shape: Shape
) -> pa.RecordBatch:
    users = user_batch(batch, index)
    candidates = propose(users, index)
    scores = ranker_scores(candidates, model)
    _, deviations = standardised(candidates.users, scores, users.shape[0])
    scores = diversified_scores(users.user_ids, candidates, scores, exposure)
    scores = scores + deviations * shape.boosts[candidates.items]
    lists, pairs = _shaped(users, candidates, scores, index, shape)
    rows, places = np.nonzero(lists >= 0)
    chosen, items = pairs[rows, places], pa.array(lists[rows, places])
    sources, reasons = _explanations(users, index, candidates, chosen)
    return pa.RecordBatch.from_arrays(
        [
            pa.array(users.user_ids, pa.string()).take(pa.array(rows)),
            pa.array((places + 1).astype(np.int32)),
            index.item_ids.take(items),
            index.titles.take(items),
            pa.array(_scores_of(lists, pairs, scores)[rows, places]),
            sources,
            reasons,
        ],
        ["user_id", "rank", "item_id", "title", "score", "sources", "reason"],
    )


def _shaped(
    users: UserBatch, candidates: Candidates, scores: np.ndarray, index: RetrievalIndex, shape: Shape
) -> tuple[np.ndarray, np.ndarray]:
    """Items and pairs, users × per_user, -1 beyond the end; pinned items have no pair."""
    kept = np.flatnonzero(may_fill(candidates, scores, index, shape))
    best = best_per_user(candidates, scores, shape.per_user, among=kept)
    pairs = np.full((users.shape[0], shape.per_user), -1)
    pairs[candidates.users[best.pairs], best.places - 1] = best.pairs
    lists = np.where(pairs >= 0, candidates.items[pairs] if len(candidates.items) else -1, -1)
    return with_pins(lists, pairs, allowed_items(users, index), shape) if shape.pins else (lists, pairs)


def _scores_of(lists: np.ndarray, pairs: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Scores of lists, users × per_user; a pinned item has that of the next one, so that scores never rise."""
    known = np.where(pairs >= 0, scores[pairs] if len(scores) else 0.0, np.nan)
    return np.asarray(pd.DataFrame(known).bfill(axis=1).ffill(axis=1).fillna(0.0))


def _explanations(
    users: UserBatch, index: RetrievalIndex, candidates: Candidates, pairs: np.ndarray
) -> tuple[pa.Array, pa.Array]:
    """Sources and reason of each entry, by its pair; pinned ones have none."""
    own = pairs >= 0
    main = main_sources(candidates, pairs[own])
    # Of each entry its place among the own ones, and the pinned ones behind those.
    places = pa.array(np.where(own, np.cumsum(own) - 1, own.sum()))
    names, words = source_names(candidates, pairs[own], main), reasons(users, index, candidates, pairs[own], main)
    pinned = pa.array([[PINNED]], names.type), pa.array([PINNED_WORDS], words.type)
    return pa.concat_arrays([names, pinned[0]]).take(places), pa.concat_arrays([words, pinned[1]]).take(places)
