"""Proof that an ONNX model ranks as the ranker does: the same rows through both."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import xgboost as xgb
from pyspark import Broadcast
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.contracts.errors import NightjarError
from spark_jobs.recommender.arrays.batches import resized
from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex
from spark_jobs.recommender.arrays.sharing import SharedIndex
from spark_jobs.recommender.arrays.user_batch import user_batch
from spark_jobs.recommender.candidates import Candidates, propose
from spark_jobs.recommender.export.conversion import onnx_scores
from spark_jobs.recommender.features.vocabulary import FEATURE_NAMES
from spark_jobs.recommender.ranking.examples import ArrowMap
from spark_jobs.recommender.ranking.ranker import best_per_user, load_booster, model_features, ranker_scores

MOST_DIFFERENCE, LEAST_SAME = 1e-5, 0.9999
"""Limits: on the scores of a row, and on the share of lists whose first ten are the same."""
ROWS, SAMPLED_USERS, TOP, EDGE_ROWS = 100_000, 500, 10, 5_000
COLUMNS = "user_id string, rows bigint, difference double, item_id string, native double, exported double, same boolean"
_NAMES = ("user_id", "rows", "difference", "item_id", "native", "exported", "same")


class ParityError(NightjarError):
    """An ONNX model does not rank as its ranker; the message names the worst row."""


@dataclass(frozen=True)
class Parity:
    """How well two models agree."""

    rows: int
    lists: int
    max_difference: float
    same_top_10: float
    """Share of lists whose first ten items are the same, in the same order."""
    worst: str
    """The row on which they differ most."""

    def require(self) -> None:
        """Raise ParityError where a limit is broken, or where nothing was compared."""
        if self.rows == 0 or not (self.max_difference <= MOST_DIFFERENCE and self.same_top_10 >= LEAST_SAME):
            raise ParityError(
                f"The ONNX model does not rank as the ranker: on {self.rows:,} rows scores differ by up to "
                f"{self.max_difference:.3g} (limit {MOST_DIFFERENCE:g}), and {self.same_top_10:.4%} of {self.lists:,} "
                f"lists have the same first ten (limit {LEAST_SAME:.2%}). Worst: {self.worst}. Not promoted."
            )


def parity(histories: DataFrame, index: SharedIndex, model: Broadcast[bytes], exported: Broadcast[bytes]) -> Parity:
    """Both models on the candidates of so many users that they are at least ROWS, or of all users."""
    users = histories.count()
    share = max(1, users // SAMPLED_USERS)
    while True:
        sample = histories.where(F.pmod(F.xxhash64("user_id"), F.lit(share)) == 0)
        compared = sample.mapInArrow(_comparer(index, model, exported), COLUMNS)
        totals = compared.agg(
            F.sum("rows").alias("rows"),
            F.count(F.lit(1)).alias("lists"),
            F.max("difference").alias("difference"),
            F.avg(F.col("same").cast("double")).alias("same"),
            F.max_by(F.struct("user_id", "item_id", "native", "exported"), "difference").alias("worst"),
        ).collect()[0]
        if share == 1 or (totals.rows or 0) >= ROWS:
            break
        share = max(1, share // 4)
    if not totals.rows:
        return Parity(0, 0, float("nan"), 0.0, "no user has candidates")
    worst = totals.worst
    worst_row = f"user {worst.user_id}, item {worst.item_id}: {worst.native:.7g} became {worst.exported:.7g}"
    return Parity(totals.rows, totals.lists, totals.difference, totals.same, worst_row)


def _comparer(index: SharedIndex, model: Broadcast[bytes], exported: Broadcast[bytes]) -> ArrowMap:
    def compare(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in resized(batches, index.value.items):
            users = user_batch(batch, index.value)
            candidates = propose(users, index.value)
            yield _compared(users.user_ids, candidates, index.value, model.value, exported.value)

    return compare


def _compared(
    user_ids: list[str], candidates: Candidates, index: RetrievalIndex, model: bytes, exported: bytes
) -> pa.RecordBatch:
    """One row per user who has candidates."""
    refuse_infinite(candidates.features, FEATURE_NAMES)
    native = ranker_scores(candidates, model)
    theirs = onnx_scores(exported, model_features(candidates, load_booster(model)))
    difference = np.abs(native - theirs)
    tops = [best_per_user(candidates, scores, TOP).pairs for scores in (native, theirs)]
    starts = np.flatnonzero(np.diff(candidates.users, prepend=-1))
    bounds = np.append(starts, len(candidates.users))
    moved = np.zeros(len(user_ids), dtype=bool)
    moved[candidates.users[tops[0][tops[0] != tops[1]]]] = True
    # Ordered by user and difference, the last pair of each user is the worst.
    worst = np.lexsort((np.nan_to_num(difference, nan=np.inf), candidates.users))[bounds[1:] - 1]
    users = candidates.users[worst]
    return pa.RecordBatch.from_arrays(
        [
            pa.array([user_ids[user] for user in users], pa.string()),
            pa.array(np.diff(bounds).astype(np.int64)),
            pa.array(np.nan_to_num(difference[worst], nan=np.inf)),
            index.item_ids.take(pa.array(candidates.items[worst])),
            pa.array(native[worst]),
            pa.array(theirs[worst]),
            pa.array(~moved[users]),
        ],
        _NAMES,
    )


def refuse_infinite(features: np.ndarray, names: tuple[str, ...]) -> None:
    """Raise ParityError for infinite values: XGBoost refuses them, ONNX runtimes score them all the same.

    >>> refuse_infinite(np.array([[1.0, np.nan]]), ('a', 'b'))
    """
    infinite = np.isinf(features).any(axis=0)
    if infinite.any():
        named = ", ".join(name for name, bad in zip(names, infinite, strict=True) if bad)
        raise ParityError(f"Features are infinite, which XGBoost refuses and ONNX does not: {named}.")


def edge_parity(booster: xgb.Booster, exported: bytes) -> Parity:
    """Both models where conversions go wrong: values that equal thresholds, and missing ones."""
    rows = edge_rows(booster)
    native = booster.predict(xgb.DMatrix(rows, feature_names=booster.feature_names))
    difference = np.abs(native - onnx_scores(exported, rows))
    worst = int(np.argmax(np.nan_to_num(difference, nan=np.inf)))
    worst_row = f"made-up row {worst} of thresholds and missing values"
    return Parity(len(rows), 0, float(np.nan_to_num(difference[worst], nan=np.inf)), 1.0, worst_row)


def edge_rows(booster: xgb.Booster) -> np.ndarray:
    """EDGE_ROWS × features, float32: thresholds of the trees by chance, a tenth missing."""
    generator = np.random.default_rng(1)
    model = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]
    rows = np.zeros((EDGE_ROWS, booster.num_features()), dtype=np.float32)
    columns = np.concatenate([tree["split_indices"] for tree in model["trees"]])
    inner = np.concatenate([tree["left_children"] for tree in model["trees"]]) >= 0
    thresholds = np.concatenate([tree["split_conditions"] for tree in model["trees"]])
    for column in np.unique(columns[inner]):
        rows[:, column] = generator.choice(thresholds[inner & (columns == column)], EDGE_ROWS)
    rows[generator.random(rows.shape) < 0.1] = np.nan
    return rows
