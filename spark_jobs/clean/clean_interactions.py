"""New interaction batches to silver: typed, one row per event key, late events included.

Reads the bronze batches not cleaned before. Refused records go to quarantine with rule and reason; what is
received equals what is kept, quarantined and found to be a duplicate, per batch, or the night stops.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.contracts.domain import Domain
from spark_jobs.lakehouse.batches import balance, batch_ids, new_batches, quarantine
from spark_jobs.lakehouse.night import Night
from spark_jobs.landing.mapping import Rule, event_key, required, split, typed

SILVER = "silver.interactions"


def run(night: Night) -> None:
    """Clean all new batches in one go."""
    received = new_batches(night, "interactions")
    batches = batch_ids(received)
    if not batches:
        return
    rows = to_interactions(received, night.domain)
    accepted, refused = split(rows, rules(night.domain))
    quarantine(night, "interactions", refused, batches)
    events, repeated = one_row_per_event(accepted.withColumnRenamed("_batch_id", "batch_id"))
    events = events.persist()
    known = night.read(SILVER).where(~F.col("batch_id").isin(batches)).select("event_key")
    known_again = events.join(known, "event_key", "left_semi").select("batch_id").persist()
    known_again.count()
    night.merge_new(SILVER, events)
    kept = night.read(SILVER).where(F.col("batch_id").isin(batches))
    balance(night, "interactions", received, kept, repeated.select("batch_id").unionAll(known_again))
    events.unpersist()
    known_again.unpersist()


def to_interactions(records: DataFrame, domain: Domain) -> DataFrame:
    """Interactions by the domain's expressions; unknown event types keep their name but get no weight."""
    columns = domain.interactions.columns
    parts = domain.interactions.event_key or [columns.user_id, columns.item_id, columns.event_type, columns.event_at]
    rows = typed(records, columns.model_dump(), event_key=event_key(parts))
    weights = F.create_map(*[F.lit(part) for pair in domain.event_weights.items() for part in pair])
    return rows.withColumn("weight", weights[F.col("event_type")])


def rules(domain: Domain) -> list[Rule]:
    """What a row must keep to become an interaction."""
    known = ", ".join(domain.event_weights)
    return [
        *[required(name) for name in ("user_id", "item_id", "event_type", "event_at")],
        Rule(
            "event_type_known",
            F.col("weight").isNull(),
            F.concat(F.lit(f"event_type: expected one of {known}, got "), F.col("event_type")),
        ),
        Rule(
            "event_at_plausible",
            ~F.year("event_at").between(1970, 9999),
            F.concat(F.lit("event_at: expected a time since 1970, got "), F.col("event_at").cast("string")),
        ),
    ]


def one_row_per_event(rows: DataFrame) -> tuple[DataFrame, DataFrame]:
    """The first row of every event key, by a fixed order, and the other rows."""
    order: list[Column] = [F.col("batch_id"), F.col("event_at"), F.col("_source_file"), F.to_json("_record")]
    numbered = rows.withColumn("_n", F.row_number().over(Window.partitionBy("event_key").orderBy(*order)))
    return numbered.where("_n = 1"), numbered.where("_n > 1")
