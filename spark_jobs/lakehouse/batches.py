"""The ledger of batches: which bronze batches are new, what became of each record, and that nothing went missing."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.lakehouse.night import Night


class BalanceError(RuntimeError):
    """Rows went missing: received is not kept + quarantined + duplicates."""


def new_batches(night: Night, source: str, ledger: str | None = None) -> DataFrame:
    """Bronze records of the batches of `source` that the ledger of cleaned batches does not hold yet."""
    done = night.read("ops.batches").where(F.col("table") == (ledger or source)).select("batch_id")
    return night.read(f"bronze.{source}").join(F.broadcast(done), "batch_id", "left_anti")


def batch_ids(records: DataFrame) -> list[str]:
    """Batches in `records`, sorted."""
    return sorted(row.batch_id for row in records.select("batch_id").distinct().collect())


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
