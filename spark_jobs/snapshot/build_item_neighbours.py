"""Item-to-item similarities: for each item, those that the same users took.

Reads gold.user_histories, writes gold.item_neighbours for the same snapshots. Users are spread over buckets whose
co-visitation is counted with sparse products, so that no user ever leaves a worker.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.lakehouse.night import Night
from spark_jobs.recommender.sources.item_to_item.covisitation import NEIGHBOURS, bucket_counter, rank_neighbours

USERS_PER_BUCKET = 50_000
"""A bucket's histories fit one worker's memory; counts are exact with one bucket, and pruned per bucket beyond."""


def run(night: Night) -> None:
    """Find the neighbours of every item as of every snapshot of tonight."""
    histories = night.read("gold.user_histories").where(F.size("item_ids") > 0)
    most = histories.groupBy("as_of").count().agg(F.max("count")).first()
    buckets = 1 + int((most[0] if most and most[0] else 0) / USERS_PER_BUCKET)
    night.replace("gold.item_neighbours", neighbours(histories, buckets))


def neighbours(histories: DataFrame, buckets: int) -> DataFrame:
    """`as_of`, `item_id`, `neighbour_ids`, `similarities`: the most similar items, best first."""
    kept = NEIGHBOURS if buckets == 1 else 3 * NEIGHBOURS
    pairs = (
        histories.withColumn("bucket", F.pmod(F.xxhash64("user_id"), F.lit(buckets)))
        .select("as_of", "bucket", "user_id", "item_ids", "weights")
        .groupBy("as_of", "bucket")
        .applyInArrow(
            bucket_counter(kept),
            "as_of date, item_id string, neighbour_id string, together double",
        )
    )
    # The counts are read twice, for pairs and for norms.
    return rank_neighbours(pairs.persist())
