"""New interaction batches to silver: typed, one row per event key, late events included.

Reads the bronze batches not cleaned before, or all of them where the domain file has another meaning by now. Refused
records go to quarantine with the failed check and the reason. Per batch received = kept + quarantined + duplicates +
left out, or the night stops; it also stops where too much of a batch is refused, or the input is silent.
"""

from __future__ import annotations

from typing import Literal

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.contracts.domain import Domain
from spark_jobs.lakehouse.night import Night
from spark_jobs.landing.mapping import RecordCheck, contract_cast, event_key, flag_invalid, required, short_ids, typed
from spark_jobs.planning.cleaning import (
    Batches,
    batches_to_clean,
    count_by_batch,
    quarantine,
    reconcile_counts,
    records_of,
)
from spark_jobs.planning.freshness import require_fresh

SILVER = "silver.interactions"


def run(night: Night) -> None:
    """Clean what is to be cleaned, and look whether events still come."""
    for batches in batches_to_clean(night, "interactions").one_by_one():
        clean(night, batches)
    require_fresh(night)


def clean(night: Night, batches: Batches) -> None:
    """Clean batches; what others brought before is known, also where their row in the ledger is missing."""
    rows = to_interactions(records_of(night, batches), night.read("bronze.interactions"), night.domain)
    judged = flag_invalid(rows, record_checks(night.domain), night.domain.interactions.where)
    flagged = number_repeats(judged, night.domain.interactions.on_repeat).persist()
    left_out = quarantine(night, flagged, batches)
    events, repeated = (flagged.where("_failed_check IS NULL").where(repeats) for repeats in ("_n = 1", "_n > 1"))
    if batches.full_refresh:
        night.replace(SILVER, events)
        duplicates = count_by_batch(repeated)
    elif night.domain.interactions.on_repeat == "last":
        night.merge_latest(SILVER, events)
        duplicates = count_by_batch(repeated)
    else:
        known = night.read(SILVER).where(f"NOT {batches.condition}").select("event_key")
        # Counted before the merge makes them known.
        known_again = events.join(known, "event_key", "left_semi")
        duplicates = count_by_batch(repeated.select("batch_id").unionAll(known_again.select("batch_id")))
        night.merge_new(SILVER, events)
    reconcile_counts(night, batches, duplicates, left_out)
    flagged.unpersist()


def to_interactions(records: DataFrame, ever: DataFrame, domain: Domain) -> DataFrame:
    """Interactions by the domain's expressions; unknown event types keep their name but get no weight.

    `ever` are all records of the source, which say what columns it has.
    """
    columns = domain.interactions.columns
    at = f"unix_micros({contract_cast('event_at', columns.event_at)})"
    parts = domain.interactions.event_key or [columns.user_id, columns.item_id, columns.event_type, at]
    where = domain.interactions.where
    rows = typed(records, ever, columns.model_dump(), where, event_key=event_key(parts))
    weights = F.create_map(*[F.lit(part) for pair in domain.event_weights.items() for part in pair])
    return rows.withColumn("weight", weights[F.col("event_type")])


def record_checks(domain: Domain) -> list[RecordCheck]:
    """What a row must keep to become an interaction."""
    known = ", ".join(domain.event_weights)
    return [
        *[required(name) for name in ("user_id", "item_id", "event_type", "event_at")],
        short_ids("user_id", "item_id"),
        RecordCheck(
            "event_type_known",
            F.col("weight").isNull(),
            F.concat(F.lit(f"event_type: expected one of {known}, got "), F.col("event_type")),
        ),
        RecordCheck(
            "event_at_plausible",
            ~F.year("event_at").between(1971, 9999),
            F.concat(
                F.lit("event_at: expected a time since 1971 (seconds taken for milliseconds?), got "),
                F.col("event_at").cast("string"),
            ),
        ),
    ]


def number_repeats(flagged: DataFrame, on_repeat: Literal["first", "last"]) -> DataFrame:
    """Judged rows with `_n`, numbering accepted rows of one event key from 1, which holds; slim, to be held.

    What the record was is needed of refused rows only; the others go through the shuffle without it.
    """
    refused = F.col("_failed_check").isNotNull()
    slim = (
        flagged.withColumn("_content", F.xxhash64(F.map_entries("_record")))
        .withColumn("_record", F.when(refused, F.col("_record")))
        .withColumn("batch_id", F.col("_batch_id"))
        .drop("_delivery_size", "_run_date")
    )
    first = [F.col(name) for name in ("_batch_id", "event_at", "_delivery", "_content")]
    last = [F.desc(name) for name in ("_delivery_modified_at", "_batch_id", "_delivery", "_content")]
    same = Window.partitionBy("event_key", refused).orderBy(*(last if on_repeat == "last" else first))
    return slim.withColumn("_n", F.row_number().over(same)).drop("_content", "_delivery_modified_at")
