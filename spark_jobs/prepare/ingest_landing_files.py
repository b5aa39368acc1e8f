"""Land new files in bronze: every landing file once, rows as received, with where they came from.

Reads the landing files of the domain. Writes bronze.interactions, bronze.items and bronze.users, one atomic
commit per source. Which files were ingested is asked of bronze itself, so a killed run can't lose or repeat one. Files
of a batch that cleaning refused go out of bronze again once they are delivered full_refresh or removed.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.contracts.domain import Interactions, ItemFiles, Users
from spark_jobs.contracts.storage import landing_location
from spark_jobs.lakehouse.night import Night
from spark_jobs.lakehouse.tables import literal
from spark_jobs.landing.files import LandingFileError, read_records
from spark_jobs.landing.listing import LandingFile, hidden_files, list_files, settled
from spark_jobs.ledgers import batches as batch_ledger
from spark_jobs.ledgers import quality_results
from spark_jobs.ledgers.quality_results import QualityResult
from spark_jobs.planning.cleaning import Batches

SMALL_DELIVERY = 4_000_000
"""Bytes of landing files whose records fit the driver, compressed ones too."""

log = logging.getLogger("nightjar")


def run(night: Night) -> None:
    """Ingest every source of the domain that has files of its own."""
    domain = night.domain
    ingest(night, "bronze.interactions", domain.interactions)
    if isinstance(domain.items, ItemFiles):
        ingest(night, "bronze.items", domain.items)
    if domain.users:
        ingest(night, "bronze.users", domain.users)


def ingest(night: Night, table: str, source: Interactions | ItemFiles | Users) -> None:
    """Append the files of one source that bronze does not hold yet, as one batch."""
    files = list_files(landing_location(night.settings), source.path)
    if not files and not night.lakehouse.exists(table):
        pattern = night.settings.landing / source.path
        raise LandingFileError(
            f"No landing files match {pattern}; put files there or correct the path in the domain file."
        )
    if hidden := hidden_files(landing_location(night.settings), source.path):
        log.warning("left alone for their names, as unfinished or hidden: %s", ", ".join(hidden))
    ready = settled(files, night.domain.quality.settle_minutes, datetime.now(UTC))
    if late := [file.name for file in files if file not in ready]:
        log.warning(
            "left for the next night, as they may still be written (quality.settle_minutes): %s", ", ".join(late)
        )
    known = ingested_files(night, table)
    withdraw_refused(night, table, known, files)
    new = [file for file in ready if file not in known]
    if isinstance(source, Interactions) and source.complete:
        newest = drop_earlier_exports(night, table, known)
        new = [file for file in new if newest is None or file.modified_at > newest]
    full = [file for file in new if file.size]
    if full:
        batch = batch_id(night, full)
        records = read_records(night.spark, [file.path for file in full], source.format)
        few = sum(file.size for file in full) <= SMALL_DELIVERY
        night.replace(table, with_provenance(night, records, full, batch), where=f"batch_id = '{batch}'", few=few)
    name = table.removeprefix("bronze.")
    if waiting := night.lakehouse.partition_values(table, "batch_id") - set(
        batch_ledger.cleaned_by(night.lakehouse, name)
    ):
        night.unchecked[table] = Batches(name, name, sorted(waiting)).condition
    if new:
        name_empty_files(night, table, new, since=max((file.modified_at for file in known), default=None))


def ingested_files(night: Night, table: str) -> dict[LandingFile, list[str]]:
    """Files that bronze holds, each with its batches; asked without a Spark job."""
    if not night.lakehouse.exists(table):
        return {}
    rows = night.lakehouse.query(
        "SELECT delivery, delivery_size, delivery_modified_at AS at, array_agg(DISTINCT batch_id) AS batches "
        "FROM bronze GROUP BY delivery, delivery_size, delivery_modified_at",
        bronze=(table, night.read_version(table)),
    ).to_pylist()
    return {LandingFile("", row["delivery"], row["delivery_size"], row["at"]): row["batches"] for row in rows}


def drop_earlier_exports(night: Night, table: str, known: dict[LandingFile, list[str]]) -> datetime | None:
    """Take full exports out of bronze that were cleaned, and of which a later one was; when the latest was delivered.

    Each holds what those before it held, so that bronze would grow with the square of the days.
    """
    delivered = {
        batch: file.modified_at for file in sorted(known, key=lambda file: file.modified_at) for batch in known[file]
    }
    cleaned = [batch for batch in delivered if batch in batch_ledger.cleaned_by(night.lakehouse, "interactions")]
    if len(cleaned) > 1:
        listed = ", ".join(literal(batch) for batch in sorted(cleaned, key=lambda name: delivered[name])[:-1])
        night.delete(table, f"batch_id IN ({listed})")
    return max(delivered.values(), default=None)


def withdraw_refused(night: Night, table: str, known: dict[LandingFile, list[str]], files: list[LandingFile]) -> None:
    """Take files of refused batches out of bronze that the landing folder does not hold any more as they were."""
    ledgers = (table.removeprefix("bronze."), "items")  # which may be made of interactions
    outcomes = [pair for ledger in ledgers for pair in batch_ledger.latest(night.lakehouse, ledger).items()]
    refused = {batch for batch, row in outcomes if row["refused"]}
    for file, batches in known.items():
        if file not in files and (gone := refused & set(batches)):
            log.warning("%s of the refused batch %s was replaced or removed: it goes out of %s", file.name, gone, table)
            listed = ", ".join(literal(batch) for batch in gone)
            night.delete(table, f"batch_id IN ({listed}) AND delivery = {literal(file.name)}")


def name_empty_files(night: Night, table: str, new: list[LandingFile], since: datetime | None) -> None:
    """Warn of files that brought no record, and stop where nothing else came since the latest file that did.

    An export of many parts has empty ones; a delivery of nothing but those is a failed one.
    """
    brought = ingested_files(night, table)
    empty = [file for file in new if file not in brought]
    if not empty:
        return
    names = ", ".join(file.name for file in empty[:5]) + (f" and {len(empty) - 5} more" if len(empty) > 5 else "")
    late = [file for file in empty if since is None or file.modified_at > since]
    # A day without events is a header alone; no bytes at all are a delivery that failed.
    nothing = bool(late) and len(empty) == len(new) and (since is None or not any(file.size for file in late))
    severity = "critical" if nothing else "warning"
    result = QualityResult(table, "landing files hold records", severity, False, len(empty), names)
    quality_results.record(night, [result])
    if nothing:
        raise LandingFileError(
            f"All {len(empty)} new landing files of {table} are empty: {names}. Deliver them again, or remove them."
        )
    log.warning("%d landing files of %s are empty: %s", len(empty), table, names)


def batch_id(night: Night, files: list[LandingFile]) -> str:
    """Name of the batch: run date and a digest of its files, the same when a killed run is repeated."""
    identities = "\n".join(f"{file.name} {file.size} {file.modified_at.isoformat()}" for file in files)
    return f"{night.run_date}-{hashlib.sha256(identities.encode()).hexdigest()[:12]}"


def with_provenance(night: Night, records: DataFrame, files: list[LandingFile], batch: str) -> DataFrame:
    """Records with landing file, run date and batch."""
    by_path = {file.path: file for file in files}
    # Decoded here, once per file, and not in every record, where there are fewer slashes.
    uris = [(uri.replace("///", "/", 1), by_path[unquote(urlsplit(uri).path)]) for uri in records.inputFiles()]
    described = night.spark.createDataFrame(
        [(uri, file.name, file.size, file.modified_at) for uri, file in uris],
        "uri string, delivery string, delivery_size bigint, delivery_modified_at timestamp",
    )
    return (
        records.join(F.broadcast(described), "uri", "left")
        .withColumn("run_date", F.lit(night.run_date))
        .withColumn("batch_id", F.lit(batch))
    )
