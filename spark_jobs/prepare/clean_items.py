"""Catalogue records to item versions, so that an item can be asked for as of any date.

Reads new bronze batches of items, or of interactions where the catalogue is derived from them. Writes
silver.items (catalogue-sized, replaced in one commit) and refused records to quarantine.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.contracts.domain import DerivedItems, Domain, ItemColumns
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

SILVER = "silver.items"


def run(night: Night) -> None:
    """Add the versions that new batches bring."""
    input = "interactions" if isinstance(night.domain.items, DerivedItems) else "items"
    for batches in batches_to_clean(night, input, silver="items").one_by_one():
        clean(night, batches)


def clean(night: Night, batches: Batches) -> None:
    """Add the versions that batches bring; what the same ones brought before is theirs to replace."""
    rows = to_versions(records_of(night, batches), night.read(f"bronze.{batches.input}"), night.domain)
    checks = [required("item_id"), required("title"), short_ids("item_id")]
    flagged = flag_invalid(rows, checks, where_of(night.domain)).persist()
    left_out = quarantine(night, flagged, batches)
    earlier = night.read(SILVER).where("false" if batches.full_refresh else f"NOT {batches.condition}")
    delivered = date_versions(flagged.where("_failed_check IS NULL"), earlier)
    compared = compare_versions(earlier, delivered).persist()
    night.replace(SILVER, compared.where("_stays OR _changed").select(earlier.columns))
    reconcile_counts(night, batches, count_by_batch(compared.where("_delivered AND NOT _changed")), left_out)
    compared.unpersist()
    flagged.unpersist()


def where_of(domain: Domain) -> str | None:
    """Which records are taken: of the input that items are made of."""
    return (domain.interactions if isinstance(domain.items, DerivedItems) else domain.items).where


def to_versions(records: DataFrame, ever: DataFrame, domain: Domain) -> DataFrame:
    """Item columns by the domain's expressions; `updated_at` is NULL where the domain has none."""
    if isinstance(domain.items, DerivedItems):
        derived, interactions = domain.items.from_interactions, domain.interactions.columns
        named = {"title": interactions.item_id} | derived.model_dump(exclude_none=True)
        columns = ItemColumns(item_id=interactions.item_id, updated_at=interactions.event_at, **named)
    else:
        columns = domain.items.columns
    return typed(records, ever, columns.model_dump(), where_of(domain))


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
        .withColumn("_order", F.struct("_delivery_modified_at", "_batch_id", "_delivery", F.to_json("_record")))
    )


def compare_versions(earlier: DataFrame, delivered: DataFrame) -> DataFrame:
    """Versions with `_delivered`, and whether each earlier one `_stays` and each delivered one has `_changed` anything.

    Of one item and moment what was delivered last holds: it corrects what was there. It changes something where it is
    other than what was there, and than the version before it.
    """
    columns = [*earlier.columns, "_order", "_delivered"]
    versions = (
        earlier.withColumn("_order", F.lit(None).cast(delivered.schema["_order"].dataType))
        .withColumn("_delivered", F.lit(False))
        .select(columns)
        .unionByName(delivered.withColumn("_delivered", F.lit(True)).select(columns))
    )
    newest_first = Window.partitionBy("item_id", "valid_from").orderBy(F.desc("_delivered"), F.desc("_order"))
    moment = Window.partitionBy("item_id", "valid_from")
    by_time = Window.partitionBy("item_id", F.col("_nth") == 1).orderBy("valid_from")
    attributes = F.array_sort(F.map_entries("attributes"))
    content = F.to_json(F.struct("title", "categories", attributes, "available_from", "available_until"))
    was_there = F.max(F.when(~F.col("_delivered"), F.col("_content"))).over(moment)
    other = ~F.col("_content").eqNullSafe(F.col("_before")) & ~F.col("_content").eqNullSafe(F.col("_was"))
    return (
        versions.withColumn("_content", content)
        .withColumn("_nth", F.row_number().over(newest_first))
        .withColumn("_holds", F.first("_content").over(newest_first))
        .withColumn("_was", was_there)
        .withColumn("_before", F.lag("_content").over(by_time))
        .withColumn("_stays", ~F.col("_delivered") & F.col("_content").eqNullSafe(F.col("_holds")))
        .withColumn("_changed", F.col("_delivered") & (F.col("_nth") == 1) & other)
    )
