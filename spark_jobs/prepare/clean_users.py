"""User records to the latest known attributes of every user.

Reads new bronze batches of users, writes silver.users (replaced in one commit) and refused records to quarantine.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.lakehouse.night import Night
from spark_jobs.landing.mapping import flag_invalid, required, short_ids, typed
from spark_jobs.planning.cleaning import (
    Batches,
    batches_to_clean,
    count_by_batch,
    quarantine,
    reconcile_counts,
    records_of,
)

SILVER = "silver.users"


def run(night: Night) -> None:
    """Replace the attributes of users that new batches bring; nothing to do for domains without users."""
    if night.domain.users is None:
        return
    for batches in batches_to_clean(night, "users").one_by_one():
        clean(night, batches)


def clean(night: Night, batches: Batches) -> None:
    """Replace the attributes of the users of batches."""
    users = night.domain.users
    if users is None:
        return
    records, ever = records_of(night, batches), night.read("bronze.users")
    rows = typed(records, ever, users.columns.model_dump(), users.where)
    flagged = flag_invalid(rows, [required("user_id"), short_ids("user_id")], users.where).persist()
    left_out = quarantine(night, flagged, batches)
    valid = flagged.where("_failed_check IS NULL").withColumn("batch_id", F.col("_batch_id"))
    latest, superseded = latest_per_user(valid)
    earlier = night.read(SILVER).where("false" if batches.full_refresh else f"NOT {batches.condition}")
    unchanged = earlier.join(latest, "user_id", "left_anti")
    night.replace(SILVER, unchanged.unionByName(latest.select(unchanged.columns)))
    reconcile_counts(night, batches, count_by_batch(superseded), left_out)
    flagged.unpersist()


def latest_per_user(rows: DataFrame) -> tuple[DataFrame, DataFrame]:
    """The row delivered last for every user, and the others."""
    # By when it was delivered: a batch is named by its run date, which a backfill has of the past.
    order = [F.desc(name) for name in ("_delivery_modified_at", "batch_id", "_delivery")]
    order.append(F.desc(F.to_json("_record")))
    numbered = rows.withColumn("_n", F.row_number().over(Window.partitionBy("user_id").orderBy(*order)))
    return numbered.where("_n = 1"), numbered.where("_n > 1")
