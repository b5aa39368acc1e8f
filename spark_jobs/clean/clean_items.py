"""Catalogue records to item versions, so that an item can be asked for as of any date.

Reads new bronze batches of items, or of interactions where the catalogue is derived from them. Writes
silver.items (catalogue-sized, replaced in one commit) and refused records to quarantine.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.contracts.domain import DerivedItems, Domain, ItemColumns
from spark_jobs.lakehouse.batches import balance, new_batches, quarantine, records_of
from spark_jobs.lakehouse.night import Night
from spark_jobs.landing.mapping import judge, required, typed

SILVER = "silver.items"


def run(night: Night) -> None:
    """Add the versions that new batches bring."""
    source = "interactions" if isinstance(night.domain.items, DerivedItems) else "items"
    for batch in new_batches(night, source, ledger="items"):
        rows = to_versions(records_of(night, source, batch), night.domain)
        judged = judge(rows, [required("item_id"), required("title")]).persist()
        quarantine(night, "items", judged, batch)
        earlier = night.read(SILVER).where(F.col("batch_id") != batch)
        delivered = date_versions(judged.where("_rule IS NULL"), earlier, night)
        compared = compare_versions(earlier, delivered).persist()
        night.replace(SILVER, earlier.unionByName(compared.where("_changed").select(earlier.columns)))
        balance(night, "items", batch, compared.where("NOT _changed").count(), received=source)
        compared.unpersist()
        judged.unpersist()


def to_versions(records: DataFrame, domain: Domain) -> DataFrame:
    """Item columns by the domain's expressions; `updated_at` is NULL where the domain has none."""
    if isinstance(domain.items, DerivedItems):
        taken, interactions = domain.items.from_interactions, domain.interactions.columns
        named = {"title": interactions.item_id} | taken.model_dump(exclude_none=True)
        columns = ItemColumns(item_id=interactions.item_id, updated_at=interactions.event_at, **named)
    else:
        columns = domain.items.columns
    return typed(records, columns.model_dump())


def date_versions(rows: DataFrame, earlier: DataFrame, night: Night) -> DataFrame:
    """Rows with `valid_from`: their own date; without one, always for a new item and the run date for a known one."""
    known = earlier.select("item_id").distinct().withColumn("known", F.lit(True))
    undated = F.when(F.col("known"), F.lit(night.as_of)).otherwise(F.timestamp_seconds(F.lit(0)))
    return (
        rows.withColumn("batch_id", F.col("_batch_id"))
        .join(known, "item_id", "left")
        .withColumn("valid_from", F.coalesce("updated_at", undated))
        .withColumn("_order", F.xxhash64("_source_file", F.to_json("_record")))
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
