"""Workers read an index from the memory that they share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import psutil
import pyarrow as pa
from pyspark.sql import SparkSession

from spark_jobs.recommender.arrays.sharing import MappedIndex, share
from tests.recommender.builders import make_index


def test_workers_map_the_index_and_see_what_the_driver_sees(spark: SparkSession) -> None:
    index = make_index(300)
    shared = share(spark.sparkContext, index)

    assert isinstance(shared, MappedIndex)

    def seen(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            theirs = shared.value
            weights = theirs.fitted["item_to_item"] @ np.ones(theirs.items)
            mapped = any(found.path == str(shared.path) for found in psutil.Process().memory_maps())
            row = {"mapped": mapped, "weights": weights.tolist(), "ids": theirs.item_ids.to_pylist()}
            yield pa.RecordBatch.from_pylist([row] * batch.num_rows)

    columns = "mapped boolean, weights array<double>, ids array<string>"
    rows = spark.range(2).mapInArrow(seen, columns).toArrow().to_pylist()

    assert len(rows) == 2

    for row in rows:
        assert row["mapped"]
        assert row["ids"] == index.item_ids.to_pylist()
        np.testing.assert_array_equal(row["weights"], index.fitted["item_to_item"] @ np.ones(index.items))
    shared.destroy()

    assert not shared.path.exists()
