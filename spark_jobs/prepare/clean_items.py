"""Catalogue records to item versions, so that an item can be asked for as of any date.

Reads new bronze batches of items, or of interactions where the catalogue is derived from them. Writes
silver.items (catalogue-sized, replaced in one commit) and refused records to quarantine.
"""

from __future__ import annotations

import logging

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.contracts.domain import DerivedItems, Domain, ItemColumns, ItemFiles
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
WHOLE = 0.9
"""Share of the known items from which on a delivery looks like a whole catalogue."""

log = logging.getLogger("nightjar")


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
    accepted = flagged.where("_failed_check IS NULL")
    delivered = date_versions(accepted, earlier)
    if is_complete(night.domain):
        delivered = delivered.unionByName(withdrawals(delivered, earlier))
    elif isinstance(night.domain.items, ItemFiles):
        warn_of_missing_items(accepted, earlier)
    compared = compare_versions(earlier, delivered).persist()
    night.replace(SILVER, compared.where("_stays OR _changed").select(earlier.columns))
    reconcile_counts(night, batches, count_by_batch(compared.where("_repeated")), left_out)
    compared.unpersist()
    flagged.unpersist()


def is_complete(domain: Domain) -> bool:
    """Whether every delivery of items is the whole catalogue."""
    return isinstance(domain.items, ItemFiles) and domain.items.complete


def warn_of_missing_items(accepted: DataFrame, earlier: DataFrame) -> None:
    """Say how many items a delivery lacks that looks like a whole catalogue and is not called one."""
    known = earlier.select("item_id").distinct()
    here = accepted.select("item_id").distinct().withColumn("here", F.lit(1))
    found = known.join(here, "item_id", "left").agg(F.count("*").alias("known"), F.count("here").alias("again")).first()
    if found and found["known"] > found["again"] >= WHOLE * found["known"]:
        log.warning(
            "%d of %d items that earlier deliveries had are not in this one, and stay recommended. If every delivery "
            "is the whole catalogue, set items.complete; else give them available_until.",
            found["known"] - found["again"],
            found["known"],
        )


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
        .withColumn("withdrawn", F.lit(False))
        .withColumn("valid_from", F.coalesce("updated_at", undated))
        .withColumn("_order", order_of("_delivery_modified_at", "_batch_id", "_delivery", F.to_json("_record")))
    )


def order_of(*parts: str | Column) -> Column:
    """What tells which of two deliveries of one item and moment came last."""
    names = ("modified_at", "batch", "delivery", "record")
    columns = [F.col(part) if isinstance(part, str) else part for part in parts]
    return F.struct(*[column.alias(name) for column, name in zip(columns, names, strict=True)])


def withdrawals(delivered: DataFrame, earlier: DataFrame) -> DataFrame:
    """For every batch, versions of the items that were known before and that it lacks: not available any more."""
    batches = delivered.groupBy("batch_id").agg(
        F.max("_since").cast("timestamp").alias("valid_from"), F.max("_delivery_modified_at").alias("_modified")
    )
    first = (
        earlier.select("item_id", "batch_id")
        .unionByName(delivered.select("item_id", "batch_id"))
        .groupBy("item_id")
        .agg(F.min("batch_id").alias("_first"))
    )
    missing = (
        first.join(F.broadcast(batches), F.col("_first") < F.col("batch_id"))
        .join(delivered.select("item_id", "batch_id"), ["item_id", "batch_id"], "left_anti")
        .withColumn("available_until", F.col("valid_from"))
        .withColumn("withdrawn", F.lit(True))
        .withColumn("_order", order_of("_modified", "batch_id", F.lit(""), F.lit("")))
        .drop("_first", "_modified")
    )
    others = [field for field in delivered.schema if field.name not in missing.columns]
    return missing.select("*", *[F.lit(None).cast(field.dataType).alias(field.name) for field in others])


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
    until = F.when(~F.col("withdrawn"), F.col("available_until"))
    content = F.to_json(F.struct("title", "categories", attributes, "available_from", until, "withdrawn"))
    was_there = F.max(F.when(~F.col("_delivered"), F.col("_content"))).over(moment)
    other = ~F.col("_content").eqNullSafe(F.col("_before")) & ~F.col("_content").eqNullSafe(F.col("_was"))
    return (
        described_as_before(versions)
        .withColumn("_content", content)
        .withColumn("_nth", F.row_number().over(newest_first))
        .withColumn("_holds", F.first("_content").over(newest_first))
        .withColumn("_was", was_there)
        .withColumn("_before", F.lag("_content").over(by_time))
        .withColumn("_stays", ~F.col("_delivered") & F.col("_content").eqNullSafe(F.col("_holds")))
        .withColumn("_changed", F.col("_delivered") & (F.col("_nth") == 1) & other)
        .withColumn("_repeated", F.col("_delivered") & ~F.col("_changed") & ~F.col("withdrawn"))
    )


def described_as_before(versions: DataFrame) -> DataFrame:
    """Versions of withdrawn items with the description of the version before."""
    by_time = Window.partitionBy("item_id").orderBy("valid_from", "_delivered", "_order")
    so_far = by_time.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    names = ("title", "categories", "attributes", "available_from")
    last = F.last(F.when(~F.col("withdrawn"), F.struct(*names)), ignorenulls=True).over(so_far)
    described = versions.withColumn("withdrawn", F.coalesce("withdrawn", F.lit(False))).withColumn("_last", last)
    return described.withColumns({name: F.col(f"_last.{name}") for name in names}).drop("_last")
