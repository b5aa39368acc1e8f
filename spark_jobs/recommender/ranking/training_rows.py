"""Training rows in one worker, as XGBoost takes them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import xgboost as xgb
from pyspark.sql import DataFrame, SparkSession
from threadpoolctl import threadpool_limits

from spark_jobs.recommender.features.vocabulary import FEATURE_NAMES
from spark_jobs.recommender.memory import give_back, require_memory
from spark_jobs.recommender.ranking.device import require_device
from spark_jobs.recommender.ranking.params import LOGISTIC, LOGISTIC_WEIGHT, RANKING, TREES, constraints, tree_params

BYTES_PER_VALUE = 16
"""A worker holds the rows as they came, as a matrix, those that have the label, and as XGBoost wants them."""


@dataclass(frozen=True)
class TrainingRows:
    """Rows in whole queries, ordered by query."""

    features: np.ndarray
    """rows × names, float32."""
    labels: np.ndarray
    queries: np.ndarray
    names: list[str]
    threads: int
    device: str = "cpu"
    _matrices: dict[int, xgb.QuantileDMatrix] = field(default_factory=dict)

    def train(self, trees: int = TREES, names: list[str] | None = None, **params: Any) -> xgb.Booster:
        """A ranker of the named features, of all by default, with the parameters of all rankers but for those given.

        Half of the trees are LambdaMART's, half those of a logistic regression. Raises DeviceError where XGBoost
        silently trained elsewhere than asked.
        """
        names = names or self.names
        settings = tree_params(len(self.labels)) | params
        own = {"monotone_constraints": constraints(names), "nthread": self.threads, "device": self.device}
        # Spark's workers come with OMP_NUM_THREADS=1, which XGBoost obeys whatever its nthread says.
        with threadpool_limits(self.threads):
            matrix = self._matrix(names, settings["max_bin"])
            ranking, logistic = (
                xgb.train({**settings, **kind, **own}, matrix, trees // 2) for kind in (RANKING, LOGISTIC)
            )
        for booster in (ranking, logistic):
            require_device(booster, self.device)
        return added(ranking, logistic, LOGISTIC_WEIGHT)

    def _matrix(self, names: list[str], bins: int) -> xgb.QuantileDMatrix:
        whole = names == self.names
        if whole and bins in self._matrices:
            return self._matrices[bins]
        columns = self.features if whole else self.features[:, [*map(self.names.index, names)]]
        matrix = xgb.QuantileDMatrix(
            columns, self.labels, qid=self.queries, feature_names=names, max_bin=bins, nthread=self.threads
        )
        if whole:
            self._matrices[bins] = matrix
        return matrix


def added(first: xgb.Booster, second: xgb.Booster, weight: float) -> xgb.Booster:
    """One booster that scores `first + weight × second`, up to a constant; both of one tree per round, equally many.

    Their trees take turns, so that the first half of them is a ranker, too.
    """
    documents = [json.loads(booster.save_raw("json")) for booster in (first, second)]
    trees_of, further = ([*_model(document)["trees"]] for document in documents)
    for tree in further:
        leaves = [left < 0 for left in tree["left_children"]]
        for values in (tree["base_weights"], tree["split_conditions"]):
            values[:] = [value * weight if leaf else value for value, leaf in zip(values, leaves, strict=True)]
    trees = [tree for pair in zip(trees_of, further, strict=True) for tree in pair]
    model = _model(documents[0])
    model["trees"] = [tree | {"id": number} for number, tree in enumerate(trees)]
    model["tree_info"], model["iteration_indptr"] = [0] * len(trees), [*range(len(trees) + 1)]
    model["gbtree_model_param"]["num_trees"] = str(len(trees))
    return xgb.Booster(model_file=bytearray(json.dumps(documents[0]).encode()))


def _model(document: dict[str, Any]) -> dict[str, Any]:
    model: dict[str, Any] = document["learner"]["gradient_booster"]["model"]
    return model


def one_worker(spark: SparkSession, rows: int, what: str) -> int:
    """Threads that a worker has which alone holds so many rows.

    Raises WontFitError, which says `what` it was about, where it runs on this machine and the memory is not there.
    """
    context = spark.sparkContext
    if not str(context.master).startswith("local"):
        conf = context.getConf()
        # The stage has one task, so that nothing else of ours wants the executor's cores.
        return int(conf.get("spark.executor.cores") or conf.get("spark.task.cpus") or 1)
    require_memory(rows * len(FEATURE_NAMES) * BYTES_PER_VALUE, f"{what} {rows:,} examples")
    return int(context.defaultParallelism)


def in_one_partition(examples: DataFrame, *labels: str) -> DataFrame:
    """`query`, the labels and the features, in an order that depends on nothing but the rows."""
    columns = examples.select("query", "item_id", *labels, *FEATURE_NAMES)
    return columns.repartition(1).sortWithinPartitions("query", "item_id")


def arrays_of(
    batches: Iterable[pa.RecordBatch], labels: Iterable[str], names: Iterable[str]
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """All batches as rows × names (float32), query by row, and the values of each label; what came is let go."""
    table = pa.Table.from_batches(batches)
    features = np.column_stack([table[name].to_numpy().astype(np.float32, copy=False) for name in names])
    queries, by_label = table["query"].to_numpy(), {label: table[label].to_numpy() for label in labels}
    del table
    give_back()
    return features, queries, by_label
