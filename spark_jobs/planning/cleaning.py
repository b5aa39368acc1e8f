"""What to clean, what may be refused, and that no record went missing: the policy that all cleaning jobs share."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from spark_jobs.contracts.domain import Interactions, ItemFiles, Users
from spark_jobs.contracts.errors import NightjarError
from spark_jobs.lakehouse.night import Night
from spark_jobs.lakehouse.tables import literal
from spark_jobs.landing.mapping import LEFT_OUT
from spark_jobs.ledgers import batches as ledger
from spark_jobs.ledgers.batches import BatchOutcome

log = logging.getLogger("nightjar")
FEWEST_RECORDS = 20
"""Records of a batch from which on the share of refused ones says something; below, half may be refused."""
WHOLE_FILE = 10
"""Records from which on a file of which nothing can be kept is a broken delivery and no single mistake."""


class ReconciliationError(NightjarError):
    """Rows went missing: received is not kept + quarantined + duplicates + left out."""


class BatchRefusedError(NightjarError):
    """More of a batch breaks the contract than the domain allows; the message names checks, files and ways out."""


@dataclass(frozen=True)
class Batches:
    """Bronze batches to clean, sorted."""

    input: str
    """Whose bronze table they are in."""
    silver: str
    """Whose silver table they become."""
    names: list[str]
    full_refresh: bool = False
    """Whether they are all there are and replace what silver holds."""

    def one_by_one(self) -> list[Batches]:
        """Batches to clean after one another: new ones each for itself, all of them together."""
        return [self] if self.full_refresh else [replace(self, names=[name]) for name in self.names]

    @property
    def condition(self) -> str:
        """SQL for rows of these batches."""
        return f"batch_id IN ({', '.join(literal(name) for name in self.names)})"


def batches_to_clean(night: Night, input: str, silver: str | None = None) -> Batches:
    """Batches that were not cleaned by the domain file as it is; without a Spark job.

    Where earlier ones were cleaned by another version of it, all are, so that old and new records mean the same.
    """
    silver = silver or input
    present = night.lakehouse.partition_values(f"bronze.{input}", "batch_id")
    cleaned = ledger.cleaned_by(night.lakehouse, silver)
    if present & ledger.cleaned_otherwise(cleaned, night.domain, silver):
        log.warning(
            "The domain file says otherwise than before what %s are: silver.%s is cleaned again from all %d batches.",
            silver,
            silver,
            len(present),
        )
        return Batches(input, silver, sorted(present), full_refresh=True)
    return Batches(input, silver, sorted(present - set(cleaned)))


def records_of(night: Night, batches: Batches) -> DataFrame:
    """Bronze records of the batches."""
    return night.read(f"bronze.{batches.input}").where(batches.condition)


def quarantine(night: Night, flagged: DataFrame, batches: Batches) -> dict[str, int]:
    """Write the records that failed a check, replacing what an earlier try wrote; how many each batch leaves out.

    Raises:
        BatchRefusedError: That is more of a batch than the domain allows; it is recorded.
    """
    counted = F.count(F.lit(1)).alias("n"), F.min("_reason").alias("reason")
    counts = flagged.groupBy("_batch_id", "_delivery", "_failed_check").agg(*counted).collect()
    out = [row for row in counts if row["_failed_check"] == LEFT_OUT]
    counts = [row for row in counts if row["_failed_check"] != LEFT_OUT]
    for row in sorted((row for row in counts if row["_failed_check"]), key=lambda row: -row["n"])[:5]:
        log.warning(
            "%s: %s of %s refused by %s, such as %.200s",
            row["_delivery"],
            f"{row['n']:,}",
            f"{sum(other['n'] for other in counts if other['_delivery'] == row['_delivery']):,}",
            row["_failed_check"],
            row["reason"],
        )
    input = getattr(night.domain, batches.input)
    complaints = {}
    for name in batches.names:
        if text := _complaint(night, input, [row for row in counts if row["_batch_id"] == name]):
            complaints[name] = text
    # Of a refused edit silver stays as it is, and so does what stands beside it.
    if not (complaints and batches.full_refresh):
        _write_quarantine(night, flagged, batches, any(row["_failed_check"] for row in counts))
    if not complaints:
        return {name: sum(row["n"] for row in out if row["_batch_id"] == name) for name in batches.names}
    # Of batches that were good before, the mistake is in the domain file: their place in the ledger is kept.
    if not batches.full_refresh:
        outcomes = [replace(_outcome(night, batches, name), refused=text) for name, text in complaints.items()]
        ledger.record(night, outcomes)
    kept = "" if batches.full_refresh else f"; quarantine.{batches.silver} has every record with its reason"
    raise BatchRefusedError(
        f"{'; '.join(f'batch {name} of {batches.input}: {text}' for name, text in complaints.items())}. Nothing of "
        f"it was taken into silver.{batches.silver}{kept}. "
        "Correct the expressions in the domain file, or deliver the landing files again or remove them, and run the "
        "night again."
    )


def _write_quarantine(night: Night, flagged: DataFrame, batches: Batches, any_refused: bool) -> None:
    table = f"quarantine.{batches.silver}"
    if not any_refused and not set(batches.names) & night.lakehouse.partition_values(table, "batch_id"):
        night.lakehouse.create(table)
        return
    columns = ["record", "corrupt", "delivery", "failed_check", "reason", "batch_id"]
    refused = flagged.where(F.col("_failed_check") != LEFT_OUT).select(
        *[F.col(f"_{name}").alias(name) for name in columns]
    )
    night.replace(table, refused, where=batches.condition)


def _complaint(night: Night, input: Interactions | ItemFiles | Users, counts: list[Row]) -> str | None:
    """Why a batch can't be taken, from its records counted by file and failed check; None where it can."""
    limit = night.domain.quality.max_refused_share
    total = sum(row["n"] for row in counts)
    failed = sorted((row for row in counts if row["_failed_check"]), key=lambda row: -row["n"])
    refused = sum(row["n"] for row in failed)
    by_file = {row["_delivery"]: [0, 0] for row in counts}
    for row in counts:
        by_file[row["_delivery"]][0] += row["n"] if row["_failed_check"] else 0
        by_file[row["_delivery"]][1] += row["n"]
    lost = [name for name, (bad, of) in by_file.items() if bad == of >= WHOLE_FILE]
    few = total < FEWEST_RECORDS and refused * 2 <= total
    if (refused <= limit * total or few) and not lost:
        return None
    worst = sorted(by_file, key=lambda name: -by_file[name][0])[:3]
    files = ", ".join(f"{name} {by_file[name][0]:,} of {by_file[name][1]:,}" for name in worst)
    return (
        f"{refused:,} of {total:,} records are refused, by file {files}; the domain allows {limit:.0%} "
        "(quality.max_refused_share) and no file of which nothing can be kept. Most frequent: "
        f"{failed[0]['_failed_check']}, such as {str(failed[0]['reason'])[:200]!r}{_where_hint(failed[0], input)}"
    )


def _where_hint(worst: Row, input: Interactions | ItemFiles | Users) -> str:
    """How to leave records out that are known to lack a value."""
    column = str(worst["_failed_check"]).removesuffix("_required")
    sql = getattr(input.columns, column, None)
    return f". To leave such records out on purpose, set where: ({sql}) IS NOT NULL" if sql else ""


def reconcile_counts(
    night: Night, batches: Batches, duplicates: Mapping[str, int], left_out: Mapping[str, int]
) -> None:
    """Record each batch's outcome: received = kept + quarantined + duplicates + left out.

    Each is counted on its own, so that the sum is a real check: records in bronze, rows in silver and in quarantine,
    and the duplicates that cleaning found, by batch.

    Raises:
        ReconciliationError: They do not add up.
    """
    kept = _rows_by_batch(night, f"silver.{batches.silver}", batches)
    outcomes = [
        _outcome(night, batches, name, kept.get(name, 0), duplicates.get(name, 0), left_out.get(name, 0))
        for name in batches.names
    ]
    for outcome in outcomes:
        if not outcome.adds_up:
            raise ReconciliationError(
                f"bronze.{batches.input} does not balance: {outcome}. silver.{batches.silver} has what was kept, but "
                "the batch counts as not cleaned, and the next night cleans it again; if it says so again, a row was "
                "lost: keep the landing files."
            )
    ledger.record(night, outcomes)


def _outcome(
    night: Night, batches: Batches, name: str, kept: int = 0, duplicates: int = 0, left_out: int = 0
) -> BatchOutcome:
    one = replace(batches, names=[name])
    return BatchOutcome(
        table=batches.silver,
        batch_id=name,
        received=_rows_by_batch(night, f"bronze.{batches.input}", one).get(name, 0),
        kept=kept,
        quarantined=_rows_by_batch(night, f"quarantine.{batches.silver}", one).get(name, 0),
        duplicates=duplicates,
        left_out=left_out,
        digest=night.domain.cleaning_digest(batches.silver),
    )


def _rows_by_batch(night: Night, table: str, batches: Batches) -> dict[str, int]:
    # What says that an item left the catalogue is no record that anybody delivered.
    delivered = " AND NOT coalesce(withdrawn, false)" if table == "silver.items" else ""
    counted = night.lakehouse.query(
        f"SELECT batch_id, count(*) AS n FROM t WHERE {batches.condition}{delivered} GROUP BY batch_id",
        t=(table, night.read_version(table)),
    )
    return {row["batch_id"]: row["n"] for row in counted.to_pylist()}


def count_by_batch(frame: DataFrame) -> dict[str, int]:
    """Rows by `batch_id`."""
    return {row["batch_id"]: row["count"] for row in frame.groupBy("batch_id").count().collect()}
