"""The item-to-item models that learn from one worker's share of histories, by the source that uses them."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy import sparse

from spark_jobs.recommender.snapshots.batches import in_batches
from spark_jobs.recommender.snapshots.item_events import LEARNT, ItemEvents, weight_rows
from spark_jobs.recommender.sources.linear.fit import item_regression
from spark_jobs.recommender.sources.next_item.fit import transitions
from spark_jobs.recommender.sources.past_to_future.fit import future_regression

MOST_USERS = 50_000
"""Users of a snapshot that they learn from: sample enough, and it fits one worker whatever the size of the shop."""
MODELS: dict[str, Callable[[ItemEvents], np.ndarray | sparse.csr_matrix]] = {
    "next_item": transitions,
    "past_to_future": future_regression,
    "linear": item_regression,
}


def item_models(histories: DataFrame, names: Collection[str]) -> DataFrame:
    """Rows of gold.item_neighbours of the named models, for every snapshot in the histories."""
    histories = histories.where(F.size("item_ids") > 0).select("as_of", "user_id", "item_ids", "weights", "ages_days")
    users = histories.groupBy("as_of").count().collect()
    most = max((row["count"] for row in users), default=0)
    sample = histories.where(F.pmod(F.xxhash64("user_id"), F.lit(1 + most // MOST_USERS)) == 0)
    spread = sample.repartition(4 * max(len(users), 1), "as_of")
    return spread.groupBy("as_of").applyInArrow(lambda of_snapshot: learn(of_snapshot, names), LEARNT)


def learn(histories: pa.Table, names: Collection[str]) -> pa.Table:
    """Rows of the named models from the histories of one snapshot."""
    events = ItemEvents.of(histories)
    learnt = pa.concat_tables([weight_rows(name, MODELS[name](events), events.item_ids) for name in names])
    return in_batches(learnt.add_column(0, "as_of", pa.repeat(histories["as_of"][0], learnt.num_rows)))
