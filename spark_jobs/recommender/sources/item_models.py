"""The item-to-item models that learn from one worker's share of histories, by the source that uses them."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from scipy import sparse

from spark_jobs.recommender.snapshots.batches import by_snapshot, in_batches
from spark_jobs.recommender.snapshots.item_events import LEARNT, ItemEvents, weight_rows
from spark_jobs.recommender.sources.linear.fit import item_regression
from spark_jobs.recommender.sources.next_item.fit import transitions
from spark_jobs.recommender.sources.past_to_future.fit import future_regression

MODELS: dict[str, Callable[[ItemEvents], np.ndarray | sparse.csr_matrix]] = {
    "next_item": transitions,
    "past_to_future": future_regression,
    "linear": item_regression,
}


def item_models(histories: DataFrame, names: Collection[str]) -> DataFrame:
    """Rows of gold.item_neighbours of the named models, for every snapshot in the histories."""
    samples = by_snapshot(histories, "item_ids", "weights", "ages_days")
    return samples.applyInArrow(lambda of_snapshot: learn(of_snapshot, names), LEARNT)


def learn(histories: pa.Table, names: Collection[str]) -> pa.Table:
    """Rows of the named models from the histories of one snapshot."""
    events = ItemEvents.of(histories)
    learnt = pa.concat_tables([weight_rows(name, MODELS[name](events), events.item_ids) for name in names])
    return in_batches(learnt.add_column(0, "as_of", pa.repeat(histories["as_of"][0], learnt.num_rows)))
