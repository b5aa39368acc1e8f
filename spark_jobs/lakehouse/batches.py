"""The ledger of batches: which are to be cleaned, what became of each record, and that nothing went missing."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.errors import NightjarError
from spark_jobs.lakehouse.night import Night
from spark_jobs.lakehouse.tables import Lakehouse, literal

log = logging.getLogger("nightjar")
WHOLE_FILE = 10
"""Records from which on a file of which nothing can be kept is a broken delivery and no single mistake."""


class ReconciliationError(NightjarError):
    """Rows went missing: received is not kept + quarantined + duplicates."""


class BatchRefusedError(NightjarError):
    """More of a batch breaks the contract than the domain allows; the message names rules, files and ways out."""


@dataclass(frozen=True)
class Batches:
    """Bronze batches to clean, sorted; `full_refresh` where they are all there are and replace what silver holds."""

    source: str
    """Whose bronze table they lie in."""
    ledger: str
    """Whose silver table they become."""
    names: list[str]
    full_refresh: bool = False

    def one_by_one(self) -> list[Batches]:
        """Batches to clean after one another: new ones each for itself, all of them together."""
        return [self] if self.full_refresh else [Batches(self.source, self.ledger, [name]) for name in self.names]

    @property
    def condition(self) -> str:
        """SQL for rows of these batches."""
        return f"batch_id IN ({', '.join(literal(name) for name in self.names)})"


def batches_to_clean(night: Night, source: str, ledger: str | None = None) -> Batches:
    """Batches that were not cleaned by the domain file as it is; without a Spark job.

    Where earlier ones were cleaned by another version of it, all are, so that old and new records mean the same.
    """
    ledger = ledger or source
    there = night.lakehouse.partition_values(f"bronze.{source}", "batch_id")
    cleaned = cleaned_by(night.lakehouse, ledger)
    if there & cleaned_otherwise(cleaned, night.domain, ledger):
        log.warning(
            "The domain file says otherwise than before what %s are: silver.%s is cleaned again from all %d batches.",
            ledger,
            ledger,
            len(there),
        )
        return Batches(source, ledger, sorted(there), full_refresh=True)
    return Batches(source, ledger, sorted(there - set(cleaned)))


def cleaned_by(lakehouse: Lakehouse, ledger: str) -> dict[str, str | None]:
    """Every batch in silver, with the digest of the domain file's part that it was cleaned by."""
    rows = last_outcomes(lakehouse, ledger).items()
    return {batch: row.get("digest") for batch, row in rows if row.get("refused") is None}


def cleaned_otherwise(cleaned: Mapping[str, str | None], domain: Domain, ledger: str) -> set[str]:
    """The batches that the domain file as it is would clean otherwise than they were."""
    return {batch for batch, digest in cleaned.items() if digest != domain.cleaning_digest(ledger)}


def last_outcomes(lakehouse: Lakehouse, ledger: str) -> dict[str, dict[str, Any]]:
    """Every batch's latest row in the ledger."""
    if not lakehouse.exists("ops.batches"):
        return {}
    rows = lakehouse.query(
        f'SELECT * FROM batches WHERE "table" = {literal(ledger)} ORDER BY recorded_at', batches="ops.batches"
    ).to_pylist()
    return {row["batch_id"]: row for row in rows}


def records_of(night: Night, batches: Batches) -> DataFrame:
    """Bronze records of the batches."""
    return night.read(f"bronze.{batches.source}").where(batches.condition)


def quarantine(night: Night, flagged: DataFrame, batches: Batches) -> None:
    """Write the refused ones of flagged records, replacing what an earlier try wrote.

    Raises BatchRefusedError, and records it, where that is more of a batch than the domain allows.
    """
    counted = F.count(F.lit(1)).alias("n"), F.min("_reason").alias("reason")
    counts = flagged.groupBy("_batch_id", "_source_file", "_failed_check").agg(*counted).collect()
    _write_refused(night, flagged, batches, any(row["_failed_check"] for row in counts))
    complaints = {
        name: text
        for name in batches.names
        if (text := _complaint(night, [row for row in counts if row["_batch_id"] == name]))
    }
    if not complaints:
        return
    # Of batches that were good before, the mistake lies in the domain file: their place in the ledger is kept.
    if not batches.full_refresh:
        none = {"kept": 0, "duplicates": 0}
        rows = [_outcome(night, batches, name, **none) | {"refused": text} for name, text in complaints.items()]
        night.record("ops.batches", rows)
    raise BatchRefusedError(
        f"{'; '.join(f'batch {name} of {batches.source}: {text}' for name, text in complaints.items())}. Nothing of "
        f"it was taken into silver.{batches.ledger}; quarantine.{batches.ledger} has every record with its reason. "
        "Correct the expressions in the domain file, or deliver the landing files again or remove them, and run the "
        "night again."
    )


def _write_refused(night: Night, flagged: DataFrame, batches: Batches, any_refused: bool) -> None:
    table = f"quarantine.{batches.ledger}"
    if not any_refused and not set(batches.names) & night.lakehouse.partition_values(table, "batch_id"):
        night.lakehouse.create(table)
        return
    columns = ["record", "corrupt", "source_file", "failed_check", "reason", "batch_id"]
    refused = flagged.where("_failed_check IS NOT NULL").select(*[F.col(f"_{name}").alias(name) for name in columns])
    night.replace(table, refused, where=batches.condition)


def _complaint(night: Night, counts: list[Row]) -> str | None:
    """Why a batch can't be taken, from its records counted by file and failed check; None where it can."""
    limit = night.domain.quality.max_refused_share
    total = sum(row["n"] for row in counts)
    broken = sorted((row for row in counts if row["_failed_check"]), key=lambda row: -row["n"])
    refused = sum(row["n"] for row in broken)
    by_file = {row["_source_file"]: [0, 0] for row in counts}
    for row in counts:
        by_file[row["_source_file"]][0] += row["n"] if row["_failed_check"] else 0
        by_file[row["_source_file"]][1] += row["n"]
    lost = [name for name, (bad, of) in by_file.items() if bad == of >= WHOLE_FILE]
    if refused <= limit * total and not lost:
        return None
    worst = sorted(by_file, key=lambda name: -by_file[name][0])[:3]
    files = ", ".join(f"{name} {by_file[name][0]:,} of {by_file[name][1]:,}" for name in worst)
    return (
        f"{refused:,} of {total:,} records are refused, by file {files}; the domain allows {limit:.0%} "
        f"(quality.max_refused_share) and no file of which nothing can be kept. Most frequent: "
        f"{broken[0]['_failed_check']}, such as {str(broken[0]['reason'])[:200]!r}"
    )


def reconcile_counts(night: Night, batches: Batches, duplicates: Mapping[str, int]) -> None:
    """Write each batch's ledger row; raises ReconciliationError unless received = kept + quarantined + duplicates.

    Each is counted on its own, so that the sum is a real check: records in bronze, rows in silver and in quarantine,
    and the duplicates that cleaning found, by batch.
    """
    kept = _rows_by_batch(night, f"silver.{batches.ledger}", batches)
    rows = [
        _outcome(night, batches, name, kept=kept.get(name, 0), duplicates=duplicates.get(name, 0))
        for name in batches.names
    ]
    for row in rows:
        if row["received"] != row["kept"] + row["quarantined"] + row["duplicates"]:
            raise ReconciliationError(
                f"bronze.{batches.source} does not balance: {row}. silver.{batches.ledger} has what was kept, but the "
                "batch counts as not cleaned, and the next night cleans it again; if it says so again, a row was lost: "
                "keep the landing files."
            )
    night.record("ops.batches", rows)


def _outcome(night: Night, batches: Batches, name: str, *, kept: int, duplicates: int) -> dict[str, Any]:
    one = Batches(batches.source, batches.ledger, [name])
    return {
        "table": batches.ledger,
        "batch_id": name,
        "received": _rows_by_batch(night, f"bronze.{batches.source}", one).get(name, 0),
        "kept": kept,
        "quarantined": _rows_by_batch(night, f"quarantine.{batches.ledger}", one).get(name, 0),
        "duplicates": duplicates,
        "digest": night.domain.cleaning_digest(batches.ledger),
    }


def _rows_by_batch(night: Night, table: str, batches: Batches) -> dict[str, int]:
    counted = night.lakehouse.query(
        f"SELECT batch_id, count(*) AS n FROM t WHERE {batches.condition} GROUP BY batch_id",
        t=(table, night.read_version(table)),
    )
    return {row["batch_id"]: row["n"] for row in counted.to_pylist()}


def count_by_batch(frame: DataFrame) -> dict[str, int]:
    """Rows by `batch_id`."""
    return {row["batch_id"]: row["count"] for row in frame.groupBy("batch_id").count().collect()}
