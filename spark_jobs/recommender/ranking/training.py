"""Fit rankers on training examples, in one worker: they are a sample of bounded size, whatever the shop's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator

import pyarrow as pa
import xgboost as xgb
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.recommender.ranking.examples import ArrowMap
from spark_jobs.recommender.ranking.params import PARAMS, constraints
from spark_jobs.recommender.ranking.training_rows import TrainingRows, arrays_of, in_one_partition

LABELS = ("label", "label_tested")


def content_digest(
    examples: DataFrame, names: list[str], device: str, code_version: str, prefer_smaller: str | None = None
) -> str:
    """A digest of the rows in any order, features, parameters, constraints, device and code: equal ones, equal models.

    So is what the domain prefers: see compare_variants.
    """
    rows = examples.agg(
        F.count(F.lit(1)).alias("count"), F.sum(F.xxhash64(*examples.columns).cast("decimal(38,0)")).alias("hashes")
    ).collect()[0]
    deciding = {**PARAMS, "features": names, "constraints": constraints(names), "prefer": prefer_smaller}
    parameters = json.dumps(deciding, sort_keys=True)
    text = f"{rows['count']} {rows['hashes']} {parameters} {device} {code_version} xgboost {xgb.__version__}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def fit(examples: DataFrame, names: list[str], device: str, threads: int) -> dict[str, xgb.Booster]:
    """By each of LABELS the booster of the named features, fitted to the examples that have it.

    The worker ends with DeviceError, which Spark reports, where XGBoost silently trained elsewhere than asked.
    """
    fitted = in_one_partition(examples, *LABELS).mapInArrow(
        _fitter(names, device, threads), "label string, booster binary"
    )
    return {row["label"]: xgb.Booster(model_file=bytearray(row["booster"])) for row in fitted.toArrow().to_pylist()}


def _fitter(names: list[str], device: str, threads: int) -> ArrowMap:
    def fit_each(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        features, queries, labels = arrays_of(batches, LABELS, names)
        for label, values in labels.items():
            known = values >= 0  # NULL is NaN here
            own = features if known.all() else features[known]
            rows = TrainingRows(own, values[known], queries[known], names, threads, device)
            yield pa.RecordBatch.from_pylist([{"label": label, "booster": bytes(rows.train().save_raw("ubj"))}])

    return fit_each
