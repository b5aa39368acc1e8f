"""The ledger of batches: which bronze batches are new, what became of each record, and that nothing went missing."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.lakehouse.night import Night
from spark_jobs.lakehouse.tables import literal


class BalanceError(RuntimeError):
    """Rows went missing: received is not kept + quarantined + duplicates."""


def new_batches(night: Night, source: str, ledger: str | None = None) -> list[str]:
    """Bronze batches of `source`, sorted, that the ledger of cleaned batches does not hold yet; without a Spark job."""
    there = night.lakehouse.partition_values(f"bronze.{source}", "batch_id")
    if not night.lakehouse.exists("ops.batches"):
        return sorted(there)
    done = night.lakehouse.query(
        f'SELECT batch_id FROM batches WHERE "table" = {literal(ledger or source)}', batches="ops.batches"
    )
    return sorted(there - set(done["batch_id"].to_pylist()))


def records_of(night: Night, source: str, batches: list[str]) -> DataFrame:
    """Bronze records of these batches."""
    return night.read(f"bronze.{source}").where(F.col("batch_id").isin(batches))


def quarantine(night: Night, source: str, judged: DataFrame, batches: list[str]) -> None:
    """Write the refused ones of judged records of these batches, replacing what an earlier try wrote."""
    refused = judged.where("_rule IS NOT NULL")
    table = f"quarantine.{source}"
    if refused.isEmpty() and not night.lakehouse.partition_values(table, "batch_id") & set(batches):
        night.lakehouse.create(table)
        return
    columns = ["record", "corrupt", "source_file", "rule", "reason", "batch_id"]
    rows = refused.select(*[F.col(f"_{name}").alias(name) for name in columns])
    night.replace(table, rows, where=f"batch_id IN ({_listed(batches)})")


def balance(night: Night, source: str, batches: list[str], duplicates: DataFrame, received: str | None = None) -> None:
    """Write one ledger row per batch; raises BalanceError unless received = kept + quarantined + duplicates.

    Each is counted on its own, so that the sum is a real check: records in bronze (of the source `received`, where it
    is another), rows in silver and quarantine, and `duplicates` with their `batch_id`.
    """
    counts = {
        "received": _rows_by_batch(night, f"bronze.{received or source}", batches),
        "kept": _rows_by_batch(night, f"silver.{source}", batches),
        "quarantined": _rows_by_batch(night, f"quarantine.{source}", batches),
        "duplicates": {row.batch_id: row["count"] for row in duplicates.groupBy("batch_id").count().collect()},
    }
    rows = [
        {"table": source, "batch_id": batch} | {name: counted.get(batch, 0) for name, counted in counts.items()}
        for batch in batches
    ]
    for row in rows:
        if row["received"] != row["kept"] + row["quarantined"] + row["duplicates"]:
            raise BalanceError(
                f"bronze.{source} does not balance: {row}; silver was left, the batch will be cleaned again."
            )
    night.record("ops.batches", rows)


def _rows_by_batch(night: Night, table: str, batches: list[str]) -> dict[str, int]:
    counted = night.lakehouse.query(
        f"SELECT batch_id, count(*) AS n FROM t WHERE batch_id IN ({_listed(batches)}) GROUP BY batch_id",
        t=(table, night.pin(table)),
    )
    return {row["batch_id"]: row["n"] for row in counted.to_pylist()}


def _listed(batches: list[str]) -> str:
    return ", ".join(literal(batch) for batch in batches)
