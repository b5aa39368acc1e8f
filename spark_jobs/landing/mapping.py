"""From bronze records to contract rows: domain expressions, refusals with reasons, balanced counts."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.lakehouse.night import Night
from spark_jobs.landing.files import record_columns, source_view


class BalanceError(RuntimeError):
    """Rows went missing: received is not kept + quarantined + duplicates."""


@dataclass(frozen=True)
class Rule:
    """A check on typed rows: `broken` is true for rows to refuse, `reason` says what was expected."""

    name: str
    broken: Column
    reason: Column


def required(column: str, found: Column) -> Rule:
    """The column must not be NULL; `found` is shown in the reason."""
    reason = F.concat(F.lit(f"{column}: expected a value, got "), F.coalesce(found, F.lit("nothing")))
    return Rule(f"{column}_required", F.col(column).isNull(), reason)


def parsed() -> Rule:
    """The record must have been readable in its format."""
    reason = F.lit("the record could not be parsed: its columns do not fit the format")
    return Rule("parsed", F.col("_corrupt").isNotNull(), reason)


def new_batches(night: Night, source: str, ledger: str | None = None) -> DataFrame:
    """Bronze records of the batches of `source` that the ledger of cleaned batches does not hold yet."""
    done = night.read("ops.batches").where(F.col("table") == (ledger or source)).select("batch_id")
    return night.read(f"bronze.{source}").join(F.broadcast(done), "batch_id", "left_anti")


def batch_ids(records: DataFrame) -> list[str]:
    """Batches in `records`, sorted."""
    return sorted(row.batch_id for row in records.select("batch_id").distinct().collect())


def typed(records: DataFrame, expressions: dict[str, str]) -> DataFrame:
    """Contract columns by the domain's expressions, beside the record's own columns (prefixed `_`).

    An expression that names a source column which no record has fails with Spark's message naming the column.
    """
    view = source_view(records, record_columns(records))
    return view.select(
        *[F.expr(sql).alias(name) for name, sql in expressions.items()], *[f"_{name}" for name in records.columns]
    )


def split(rows: DataFrame, rules: list[Rule]) -> tuple[DataFrame, DataFrame]:
    """Rows that keep all rules, and refused ones with the first broken rule and its reason."""
    checks = [parsed(), *rules]
    rule, reason = F.lit(None).cast("string"), F.lit(None).cast("string")
    for check in reversed(checks):
        rule = F.when(check.broken, F.lit(check.name)).otherwise(rule)
        reason = F.when(check.broken, check.reason).otherwise(reason)
    judged = rows.withColumn("_rule", rule).withColumn("_reason", reason)
    return judged.where("_rule IS NULL"), judged.where("_rule IS NOT NULL")


def quarantine(night: Night, source: str, refused: DataFrame, batches: list[str]) -> None:
    """Write the refused records of these batches, replacing what an earlier try wrote."""
    columns = ["record", "corrupt", "source_file", "rule", "reason", "batch_id"]
    rows = refused.select(*[F.col(f"_{name}").alias(name) for name in columns])
    listed = ", ".join(f"'{batch}'" for batch in batches)
    night.replace(f"quarantine.{source}", rows, where=f"batch_id IN ({listed})")


def balance(night: Night, source: str, received: DataFrame, kept: DataFrame, duplicates: DataFrame) -> None:
    """Write one ledger row per batch; raises BalanceError unless received = kept + quarantined + duplicates.

    `kept` and `duplicates` are counted on their own, each by `batch_id`, so that the sum is a real check.
    """
    refused = night.read(f"quarantine.{source}")
    counts = {
        name: {row.batch_id: row["count"] for row in frame.groupBy("batch_id").count().collect()}
        for name, frame in {
            "received": received,
            "kept": kept,
            "quarantined": refused,
            "duplicates": duplicates,
        }.items()
    }
    rows = [
        {"table": source, "batch_id": batch} | {name: counted.get(batch, 0) for name, counted in counts.items()}
        for batch in sorted(counts["received"])
    ]
    for row in rows:
        if row["received"] != row["kept"] + row["quarantined"] + row["duplicates"]:
            raise BalanceError(
                f"bronze.{source} does not balance: {row}; silver was left, the batch will be cleaned again."
            )
    night.record("ops.batches", rows)
