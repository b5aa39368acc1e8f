"""Make every variant in one worker while there is time, and measure its size and speed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import xgboost as xgb
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from spark_jobs.recommender.export.conversion import INPUT, onnx_scores, to_onnx
from spark_jobs.recommender.ranking.examples import ArrowMap
from spark_jobs.recommender.ranking.training_rows import TrainingRows, arrays_of, in_one_partition
from spark_jobs.recommender.variants.variants import VARIANTS, Model

TIMED_ROWS = 5_000
COLUMNS = (
    "variant string, booster binary, onnx binary, names array<string>, bytes bigint, bytes_zstd bigint, "
    "onnx_bytes bigint, rows_per_second double, onnx_rows_per_second double, seconds double, note string"
)
_KINDS = {"string": pa.string(), "binary": pa.binary(), "array<string>": pa.list_(pa.string())}
_KINDS |= {"bigint": pa.int64(), "double": pa.float64()}
_SCHEMA = pa.schema([(name, _KINDS[kind]) for name, kind in (column.split() for column in COLUMNS.split(", "))])


def trials(
    examples: DataFrame,
    label: str,
    teacher: bytes,
    names: Sequence[str],
    most_rows: int,
    *,
    threads: int,
    seconds: float,
) -> list[dict[str, Any]]:
    """The named variants of the teacher on the examples that have the label; what no time is left for has a note.

    Beyond `most_rows` on whole queries of a sample, on which the full model is then trained again.
    """
    labelled = examples.where(F.col(label).isNotNull())
    queries = max(1, -(-labelled.count() // most_rows))
    sampled = labelled.where(F.pmod(F.xxhash64("query"), F.lit(queries)) == 0) if queries > 1 else labelled
    maker = _maker(label, teacher, names, threads, seconds, again=queries > 1)
    return list(in_one_partition(sampled, label).mapInArrow(maker, COLUMNS).toArrow().to_pylist())


def _maker(label: str, teacher: bytes, names: Sequence[str], threads: int, seconds: float, *, again: bool) -> ArrowMap:
    def make(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        started = time.monotonic()
        full = xgb.Booster(model_file=bytearray(teacher))
        full.set_param({"nthread": threads, "device": "cpu"})
        known = list(full.feature_names or [])
        features, queries, labels = arrays_of(batches, [label], known)
        rows = TrainingRows(features, labels[label], queries, known, threads)
        if again:
            full = rows.train()
        for variant in (variant for variant in VARIANTS if variant.name in names):
            if time.monotonic() - started > seconds:
                row: dict[str, Any] = {"variant": variant.name, "note": f"not tried: {seconds:g} s were over"}
            else:
                begun = time.monotonic()
                with threadpool_limits(threads):
                    model = variant.make(rows, full)
                row = {"variant": variant.name, "seconds": time.monotonic() - begun, **_measured(model, rows)}
                if again:
                    row["note"] = f"trained on {len(rows.labels):,} of the rows, the full one too"
            yield pa.RecordBatch.from_pylist([row], schema=_SCHEMA)

    return make


def _measured(model: Model, rows: TrainingRows) -> dict[str, Any]:
    """Size and speed, on one thread, of the model as it is and as ONNX."""
    names = rows.names if isinstance(model, Pipeline) else list(model.feature_names or [])
    features = rows.features[:TIMED_ROWS, [*map(rows.names.index, names)]]
    onnx = _onnx(model, len(names))
    stored = onnx if isinstance(model, Pipeline) else bytes(model.save_raw("ubj"))
    return {
        "booster": None if isinstance(model, Pipeline) else stored,
        "onnx": onnx,
        "names": names,
        "bytes": len(stored),
        "bytes_zstd": len(pa.compress(stored, codec="zstd")),
        "onnx_bytes": len(onnx),
        "rows_per_second": _speed(lambda: _native(model, features), len(features)),
        "onnx_rows_per_second": _speed(lambda: onnx_scores(onnx, features), len(features)),
    }


def _onnx(model: Model, features: int) -> bytes:
    if isinstance(model, Pipeline):
        kinds = [(INPUT, FloatTensorType([None, features]))]
        options = {"zipmap": False} if hasattr(model[-1], "classes_") else {}
        return bytes(convert_sklearn(model, initial_types=kinds, options={id(model): options}).SerializeToString())
    return bytes(to_onnx(model).SerializeToString())


def _native(model: Model, features: np.ndarray) -> None:
    if isinstance(model, Pipeline):
        with threadpool_limits(1):
            (model.decision_function if hasattr(model, "decision_function") else model.predict)(features)
    else:
        model.set_param({"nthread": 1})
        model.inplace_predict(features)


def _speed(score: Any, rows: int) -> float:
    """Rows per second, the best of three."""
    score()
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        score()
        seconds.append(time.perf_counter() - begun)
    return float(rows / min(seconds))
