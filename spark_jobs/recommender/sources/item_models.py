"""All item-to-item models of a snapshot, by the source that uses them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from scipy import sparse

from spark_jobs.recommender.arrays.batches import ROWS_PER_BATCH, by_snapshot
from spark_jobs.recommender.arrays.item_events import NEIGHBOUR_COLUMNS, ItemEvents, weight_rows
from spark_jobs.recommender.sources.ease.fit import item_regression
from spark_jobs.recommender.sources.item_to_item.fit import neighbours, neighbours_of_all
from spark_jobs.recommender.sources.next_item.fit import transitions
from spark_jobs.recommender.sources.past_to_future.fit import future_regression

MODELS: dict[str, Callable[[ItemEvents], np.ndarray | sparse.csr_matrix]] = {
    "next_item": transitions,
    "past_to_future": future_regression,
    "ease": item_regression,
}


def item_models(histories: DataFrame, names: Collection[str]) -> DataFrame:
    """Rows of gold.item_neighbours, for every snapshot in the histories: item-to-item, and the named models.

    One pass over the histories, but where the named models learn from a sample and item-to-item from everybody.
    """
    users, everybody = by_snapshot(histories, "item_ids", "weights", "ages_days")
    fitted = users.applyInArrow(learner(names, item_to_item=everybody), NEIGHBOUR_COLUMNS)
    return fitted if everybody else fitted.unionByName(neighbours(histories))


def learner(
    names: Collection[str], *, item_to_item: bool
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A function for `applyInArrow` from the histories of one snapshot to the rows of models."""

    def learn(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        histories = pa.Table.from_batches(batches)
        if item_to_item:
            yield from neighbours_of_all(iter(histories.to_batches()))
        events = ItemEvents.of(histories)
        for name in names if len(events.item_ids) else ():
            rows = weight_rows(name, MODELS[name](events), events.item_ids)
            of_day = rows.add_column(0, "as_of", pa.repeat(histories["as_of"][0], rows.num_rows))
            yield from of_day.to_batches(max_chunksize=ROWS_PER_BATCH)

    return learn
