"""Land new files in bronze: every landing file once, rows as received, with where they came from.

Reads the landing files of the domain. Writes bronze.interactions, bronze.items and bronze.users, one atomic
commit per source. Which files were ingested is asked of bronze itself, so a killed run can't lose or repeat one.
"""

from __future__ import annotations

import hashlib

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.contracts.domain import Interactions, ItemFiles, Users
from spark_jobs.lakehouse.night import Night
from spark_jobs.landing.files import LandingFile, LandingFileError, list_files, read_records


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
    found = list_files(night.settings.landing, source.path)
    if not found and not night.lakehouse.exists(table):
        pattern = night.settings.landing / source.path
        raise LandingFileError(
            f"No landing files match {pattern}; put files there or correct the path in the domain file."
        )
    new = not_ingested(night, table, [file for file in found if file.size])
    if new:
        records = read_records(night.spark, [file.path for file in new], source.format)
        batch = batch_id(night, new)
        night.replace(table, with_provenance(night, records, new, batch), where=f"batch_id = '{batch}'")


def not_ingested(night: Night, table: str, found: list[LandingFile]) -> list[LandingFile]:
    """Files of `found` whose name, size and change time bronze does not know; asked without a Spark job."""
    if not night.lakehouse.exists(table):
        return found
    known = night.lakehouse.query(
        "SELECT DISTINCT source_file, source_size, source_modified_at AS at FROM bronze",
        bronze=(table, night.pin(table)),
    ).to_pylist()
    identities = {(row["source_file"], row["source_size"], int(row["at"].timestamp())) for row in known}
    return [file for file in found if (file.name, file.size, int(file.modified_at.timestamp())) not in identities]


def batch_id(night: Night, files: list[LandingFile]) -> str:
    """Name of the batch: run date and a digest of its files, the same when a killed run is repeated."""
    identities = "\n".join(f"{file.name} {file.size} {file.modified_at.isoformat()}" for file in files)
    return f"{night.run_date}-{hashlib.sha256(identities.encode()).hexdigest()[:12]}"


def with_provenance(night: Night, records: DataFrame, files: list[LandingFile], batch: str) -> DataFrame:
    """Records with landing file, run date and batch."""
    described = night.spark.createDataFrame(
        [(file.path, file.name, file.size, file.modified_at) for file in files],
        "path string, source_file string, source_size bigint, source_modified_at timestamp",
    )
    return (
        records.join(F.broadcast(described), "path", "left")
        .withColumn("run_date", F.lit(night.run_date))
        .withColumn("batch_id", F.lit(batch))
    )
