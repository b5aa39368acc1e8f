"""Per-user metrics of rankers, sources and baselines on a test window, over the full eligible catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import Broadcast

from spark_jobs.recommender.arrays.batches import resized
from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex
from spark_jobs.recommender.arrays.scores import Scores, allowed_items
from spark_jobs.recommender.arrays.sharing import SharedIndex
from spark_jobs.recommender.arrays.top_k import places_of
from spark_jobs.recommender.arrays.user_batch import UserBatch, user_batch
from spark_jobs.recommender.candidates import UNRANKED, Candidates, propose
from spark_jobs.recommender.evaluation.baselines import BASELINES
from spark_jobs.recommender.evaluation.metrics import (
    ACCURACY,
    LIST_LENGTH,
    PER_USER,
    TOP,
    intra_list_diversity,
    listed_means,
    oracle_ndcg,
)
from spark_jobs.recommender.ranking.examples import ArrowMap, relevance
from spark_jobs.recommender.ranking.exposure import Exposure, diversified_scores
from spark_jobs.recommender.ranking.ranker import best_per_user, ranker_scores
from spark_jobs.recommender.sources import SOURCES

RANKER, CHAMPION, DIVERSIFIED = "ranker", "champion", "diversified"
"""Tonight's ranker, the one that serves, and tonight's with exposure diversified; all others are baselines."""
MODELS = (RANKER, CHAMPION, DIVERSIFIED)
_LISTS = {"top_items": pa.string(), "hits": pa.bool_(), "scores": pa.float32()}
_SCHEMA = pa.schema(
    [("user_id", pa.string()), ("model", pa.string()), ("segment", pa.string()), ("relevant", pa.int32())]
    + [(name, pa.list_(kind)) for name, kind in _LISTS.items()]
    + [(name, pa.float64()) for name in PER_USER]
)
COLUMNS = (
    "user_id string, model string, segment string, relevant int, top_items array<string>, hits array<boolean>, "
    "scores array<float>, " + ", ".join(f"{name} double" for name in PER_USER)
)


@dataclass(frozen=True)
class EvaluatedModels:
    """Who is measured beside sources and baselines, and how users are told apart."""

    models: dict[str, bytes]
    """Boosters by name, as UBJSON."""
    exposure: Exposure
    """Balance that the ranker's lists get in DIVERSIFIED."""
    heavy_from: float
    """Events from which a user is a heavy one."""


@dataclass(frozen=True)
class Lists:
    """One evaluated model's lists and candidates of a batch."""

    items: np.ndarray
    """users × LIST_LENGTH item positions, -1 beyond the end."""
    scores: np.ndarray
    """users × LIST_LENGTH, NaN beyond the end."""
    pool: np.ndarray | None = None
    """bool per pair of the batch's candidates: the model's own; None for all that the catalogue has."""
    alone: np.ndarray | None = None
    """bool per pair: proposed by this source and no other; None where that says nothing."""


@dataclass(frozen=True)
class WindowOutcome:
    """What each user of a batch took in the window."""

    relevant: np.ndarray
    """bool, users × items."""
    counts: np.ndarray
    """Items per user, also those that the catalogue lacks: nobody could propose them, and they were taken."""
    known: np.ndarray
    """Items per user that the catalogue has."""
    new: np.ndarray
    """Of these the new ones."""


NEW_EVENTS = 5
"""A user with fewer events than this is a new one."""
FIRST_TIME = "first-time"
"""The segment of users without any event before the cutoff: it stands alone, and no figure of all users contains it."""


def evaluator(index: SharedIndex, evaluated_models: Broadcast[EvaluatedModels]) -> ArrowMap:
    """A function for `mapInArrow` from histories with `relevant` to one row per user and evaluated model."""

    def evaluate(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in resized(batches, index.value.items):
            users = user_batch(batch, index.value)
            candidates = propose(users, index.value)
            outcome = _window_outcome(batch, users, index.value)
            segments = _segments(users, evaluated_models.value.heavy_from)
            for model, lists in _evaluated_lists(users, candidates, index.value, evaluated_models.value):
                yield _rows(model, lists, users, candidates, index.value, outcome, segments)

    return evaluate


def _window_outcome(batch: pa.RecordBatch, users: UserBatch, index: RetrievalIndex) -> WindowOutcome:
    relevant = relevance(batch, users, index)
    rows, items = np.nonzero(relevant)
    return WindowOutcome(
        relevant,
        counts=pc.list_value_length(batch["relevant"]).to_numpy(zero_copy_only=False),
        known=np.bincount(rows, minlength=len(relevant)),
        new=np.bincount(rows[index.newness[items] > 0], minlength=len(relevant)),
    )


def _segments(users: UserBatch, heavy_from: float) -> pa.Array:
    events = users.events_total
    names = np.select([events == 0, events < NEW_EVENTS, events >= heavy_from], [FIRST_TIME, "new", "heavy"], "light")
    return pa.array(names.tolist(), pa.string())


def _evaluated_lists(
    users: UserBatch, candidates: Candidates, index: RetrievalIndex, evaluated_models: EvaluatedModels
) -> Iterator[tuple[str, Lists]]:
    everything = np.ones(len(candidates.users), dtype=bool)
    for name, model in evaluated_models.models.items():
        scores = ranker_scores(candidates, model)
        yield name, lists_of_pairs(candidates, scores, everything, users.shape[0])
        if name == RANKER:
            given_way = diversified_scores(users.user_ids, candidates, scores, evaluated_models.exposure)
            yield DIVERSIFIED, lists_of_pairs(candidates, given_way, everything, users.shape[0])
    proposals = np.sum(list(candidates.proposed.values()), axis=0)
    for name in (name for name in SOURCES if index.candidates_per_source[name]):
        scores, pool = source_scores(candidates, name)
        yield name, lists_of_pairs(candidates, scores, pool, users.shape[0], alone=pool & (proposals == 1))
    allowed = allowed_items(users, index)
    for name, baseline in BASELINES.items():
        yield name, _of_catalogue(baseline(users, index), allowed)


def source_scores(candidates: Candidates, source: str) -> tuple[np.ndarray, np.ndarray]:
    """Score of every candidate by one source alone, and whether it is among the source's own candidates."""
    return -candidates.ranks[source], candidates.proposed[source] & (candidates.ranks[source] < UNRANKED)


def lists_of_pairs(
    candidates: Candidates, scores: np.ndarray, pool: np.ndarray, users: int, alone: np.ndarray | None = None
) -> Lists:
    """Lists of the best candidates of `pool` (bool per pair) by score, ties in item order."""
    best = best_per_user(candidates, np.where(pool, scores, -np.inf), LIST_LENGTH)
    kept = pool[best.pairs]
    pairs, places = best.pairs[kept], best.places[kept] - 1
    lists, listed = np.full((users, LIST_LENGTH), -1), np.full((users, LIST_LENGTH), np.nan)
    lists[candidates.users[pairs], places] = candidates.items[pairs]
    listed[candidates.users[pairs], places] = scores[pairs]
    return Lists(lists, listed, pool, alone)


def _of_catalogue(scores: Scores, allowed: np.ndarray) -> Lists:
    # Cells come user by user, best first.
    users, items = np.divmod(scores.best(allowed, LIST_LENGTH), allowed.shape[1])
    places, _ = places_of(users)
    shape = (allowed.shape[0], LIST_LENGTH)
    lists, listed = np.full(shape, -1), np.full(shape, np.nan)
    lists[users, places] = items
    listed[users, places] = scores.of(users, items)
    return Lists(lists, listed)


def _rows(
    model: str,
    lists: Lists,
    users: UserBatch,
    candidates: Candidates,
    index: RetrievalIndex,
    outcome: WindowOutcome,
    segments: pa.Array,
) -> pa.RecordBatch:
    there = lists.items >= 0
    hits = np.take_along_axis(outcome.relevant, np.maximum(lists.items, 0), axis=1) & there
    offsets = pa.array(np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int32))
    listed = {
        "top_items": index.item_ids.take(pa.array(lists.items[there])),
        "hits": pa.array(hits[there]),
        "scores": pa.array(lists.scores[there].astype(np.float32)),
    }
    measured = {name: metric(hits, outcome.counts) for name, metric in ACCURACY.items()}
    measured |= _pool_metrics(lists, candidates, outcome)
    measured |= _beyond_accuracy(lists.items, hits, index, outcome)
    columns: dict[str, pa.Array] = {
        "user_id": pa.array(users.user_ids, pa.string()),
        "model": pa.repeat(pa.scalar(model), len(outcome.counts)),
        "segment": segments,
        "relevant": pa.array(outcome.counts.astype(np.int32)),
        **{name: pa.ListArray.from_arrays(offsets, values) for name, values in listed.items()},
        **{name: pa.array(values, from_pandas=True) for name, values in measured.items()},
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in _SCHEMA.names], schema=_SCHEMA)


def _pool_metrics(lists: Lists, candidates: Candidates, outcome: WindowOutcome) -> dict[str, np.ndarray]:
    counts, relevant = outcome.counts, outcome.relevant[candidates.users, candidates.items]

    def of_users(kept: np.ndarray) -> np.ndarray:
        return np.bincount(candidates.users, weights=relevant & kept, minlength=len(counts))

    hits = outcome.known if lists.pool is None else of_users(lists.pool)
    return {
        "pool_recall": hits / counts,
        "marginal_recall": np.full(len(counts), np.nan) if lists.alone is None else of_users(lists.alone) / counts,
        "oracle_ndcg_at_10": oracle_ndcg(hits, counts),
    }


def _beyond_accuracy(
    items: np.ndarray, hits: np.ndarray, index: RetrievalIndex, outcome: WindowOutcome
) -> dict[str, np.ndarray]:
    top = items[:, :TOP]
    new_hits = (hits & (index.newness[items] > 0)).sum(axis=1)
    return {
        "novelty_at_10": listed_means(index.self_information, top),
        "popularity_at_10": listed_means(index.popularity_percentile, top),
        "diversity_at_10": intra_list_diversity(top, index.content),
        "new_item_recall_at_20": np.divide(
            new_hits, outcome.new, out=np.full(len(items), np.nan), where=outcome.new > 0
        ),
    }
