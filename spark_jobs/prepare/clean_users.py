"""User records to the latest known attributes of every user.

Reads new bronze batches of users, writes silver.users (replaced in one commit) and refused records to quarantine.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.lakehouse.night import Night
from spark_jobs.landing.mapping import flag_invalid, required, typed
from spark_jobs.planning.cleaning import batches_to_clean, count_by_batch, quarantine, reconcile_counts, records_of

SILVER = "silver.users"


def run(night: Night) -> None:
    """Replace the attributes of users that new batches bring; nothing to do for domains without users."""
    if night.domain.users is None:
        return
    for batches in batches_to_clean(night, "users").one_by_one():
        rows = typed(records_of(night, batches), night.read("bronze.users"), night.domain.users.columns.model_dump())
        flagged = flag_invalid(rows, [required("user_id")]).persist()
        quarantine(night, flagged, batches)
        valid = flagged.where("_failed_check IS NULL").withColumn("batch_id", F.col("_batch_id"))
        latest, superseded = latest_per_user(valid)
        earlier = night.read(SILVER).where("false" if batches.full_refresh else "true")
        unchanged = earlier.join(latest, "user_id", "left_anti")
        night.replace(SILVER, unchanged.unionByName(latest.select(unchanged.columns)))
        reconcile_counts(night, batches, count_by_batch(superseded))
        flagged.unpersist()


def latest_per_user(rows: DataFrame) -> tuple[DataFrame, DataFrame]:
    """The row delivered last for every user, and the others."""
    order = [F.desc("batch_id"), F.desc("_delivery"), F.desc(F.to_json("_record"))]
    numbered = rows.withColumn("_n", F.row_number().over(Window.partitionBy("user_id").orderBy(*order)))
    return numbered.where("_n = 1"), numbered.where("_n > 1")
