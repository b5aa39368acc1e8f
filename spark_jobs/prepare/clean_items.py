"""Catalogue records to item versions, so that an item can be asked for as of any date.

Reads new bronze batches of items, or of interactions where the catalogue is derived from them. Writes
silver.items (catalogue-sized, replaced in one commit) and refused records to quarantine.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.contracts.domain import DerivedItems, Domain, ItemColumns
from spark_jobs.lakehouse.night import Night
from spark_jobs.landing.mapping import flag_invalid, required, typed
from spark_jobs.planning.cleaning import batches_to_clean, count_by_batch, quarantine, reconcile_counts, records_of

SILVER = "silver.items"


def run(night: Night) -> None:
    """Add the versions that new batches bring."""
    input = "interactions" if isinstance(night.domain.items, DerivedItems) else "items"
    for batches in batches_to_clean(night, input, silver="items").one_by_one():
        rows = to_versions(records_of(night, batches), night.read(f"bronze.{input}"), night.domain)
        flagged = flag_invalid(rows, [required("item_id"), required("title")]).persist()
        quarantine(night, flagged, batches)
        earlier = night.read(SILVER).where("false" if batches.full_refresh else f"NOT {batches.condition}")
        delivered = date_versions(flagged.where("_failed_check IS NULL"), earlier)
        compared = compare_versions(earlier, delivered).persist()
        night.replace(SILVER, earlier.unionByName(compared.where("_changed").select(earlier.columns)))
        reconcile_counts(night, batches, count_by_batch(compared.where("NOT _changed")))
        compared.unpersist()
        flagged.unpersist()


def to_versions(records: DataFrame, ever: DataFrame, domain: Domain) -> DataFrame:
    """Item columns by the domain's expressions; `updated_at` is NULL where the domain has none."""
    if isinstance(domain.items, DerivedItems):
        derived, interactions = domain.items.from_interactions, domain.interactions.columns
        named = {"title": interactions.item_id} | derived.model_dump(exclude_none=True)
        columns = ItemColumns(item_id=interactions.item_id, updated_at=interactions.event_at, **named)
    else:
        columns = domain.items.columns
    return typed(records, ever, columns.model_dump())


def date_versions(rows: DataFrame, earlier: DataFrame) -> DataFrame:
    """Rows with `valid_from`: their own date; without one always for a new item, and for a known one since when it
    was known.

    That is the run date that ingested it, or the day its landing file was last changed where that is later: what a
    backfill ingests was not there on the past date that it runs for, and must not be described as of then.
    """
    known = earlier.select("item_id").distinct().withColumn("known", F.lit(True))
    since = F.greatest("_run_date", F.to_date("_delivery_modified_at"))
    first = F.min(F.struct("_since", "_batch_id")).over(Window.partitionBy("item_id"))
    new = F.col("known").isNull() & (F.struct("_since", "_batch_id") == first)
    undated = F.when(new, F.timestamp_seconds(F.lit(0))).otherwise(F.col("_since").cast("timestamp"))
    return (
        rows.withColumn("batch_id", F.col("_batch_id"))
        .join(known, "item_id", "left")
        .withColumn("_since", since)
        .withColumn("valid_from", F.coalesce("updated_at", undated))
        .withColumn("_order", F.xxhash64("_delivery", F.to_json("_record")))
    )


def compare_versions(earlier: DataFrame, delivered: DataFrame) -> DataFrame:
    """Delivered rows with `_changed`: whether each differs from the version before it, one per item and moment."""
    columns = [*earlier.columns, "_order", "_delivered"]
    versions = (
        earlier.withColumn("_order", F.lit(None).cast("bigint"))
        .withColumn("_delivered", F.lit(False))
        .select(columns)
        .unionByName(delivered.withColumn("_delivered", F.lit(True)).select(columns))
    )
    moment = Window.partitionBy("item_id", "valid_from").orderBy("_delivered", "batch_id", "_order")
    by_time = Window.partitionBy("item_id").orderBy("valid_from", "_nth")
    attributes = F.array_sort(F.map_entries("attributes"))
    content = F.to_json(F.struct("title", "categories", attributes, "available_from", "available_until"))
    return (
        versions.withColumn("_nth", F.row_number().over(moment))
        .withColumn("_content", content)
        .withColumn("_before", F.lag("_content").over(by_time))
        .withColumn("_changed", (F.col("_nth") == 1) & ~F.col("_content").eqNullSafe(F.col("_before")))
        .where("_delivered")
    )
