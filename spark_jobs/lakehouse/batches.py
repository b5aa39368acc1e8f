"""The ledger of batches: which bronze batches are new, what became of each record, and that nothing went missing."""

from __future__ import annotations

from typing import Any

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


def records_of(night: Night, source: str, batch: str) -> DataFrame:
    """Bronze records of a batch."""
    return night.read(f"bronze.{source}").where(F.col("batch_id") == batch)


def quarantine(night: Night, source: str, judged: DataFrame, batch: str) -> None:
    """Write the refused ones of a batch's judged records, replacing what an earlier try wrote."""
    refused = judged.where("_rule IS NOT NULL")
    table = f"quarantine.{source}"
    if refused.isEmpty() and batch not in night.lakehouse.partition_values(table, "batch_id"):
        night.lakehouse.create(table)
        return
    columns = ["record", "corrupt", "source_file", "rule", "reason", "batch_id"]
    rows = refused.select(*[F.col(f"_{name}").alias(name) for name in columns])
    night.replace(table, rows, where=f"batch_id = {literal(batch)}")


def balance(night: Night, source: str, batch: str, duplicates: int, received: str | None = None) -> None:
    """Write the batch's ledger row; raises BalanceError unless received = kept + quarantined + duplicates.

    Each is counted on its own, so that the sum is a real check: records in bronze (of the source `received`, where it
    is another), rows in silver and in quarantine, and the duplicates that cleaning found.
    """
    row: dict[str, Any] = {
        "table": source,
        "batch_id": batch,
        "received": _rows_of_batch(night, f"bronze.{received or source}", batch),
        "kept": _rows_of_batch(night, f"silver.{source}", batch),
        "quarantined": _rows_of_batch(night, f"quarantine.{source}", batch),
        "duplicates": duplicates,
    }
    if row["received"] != row["kept"] + row["quarantined"] + row["duplicates"]:
        raise BalanceError(
            f"bronze.{source} does not balance: {row}. silver.{source} has what was kept, but the batch counts as not "
            "cleaned, and the next night cleans it again; if it says so again, a row was lost: keep the landing files."
        )
    night.record("ops.batches", [row])


def _rows_of_batch(night: Night, table: str, batch: str) -> int:
    counted = night.lakehouse.query(
        f"SELECT count(*) AS n FROM t WHERE batch_id = {literal(batch)}", t=(table, night.pin(table))
    )
    return int(counted["n"][0].as_py())
