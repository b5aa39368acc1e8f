"""The night a job runs in: the domain, the run date and checked access to the tables."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import deltalake
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.settings import PROJECT_ROOT, Settings
from spark_jobs.contracts.tables import TABLES, Table

# What all four readers (delta-rs, DuckDB, Polars, Spark) read correctly, pinned against changing defaults.
_PROPERTIES = {
    "delta.enableDeletionVectors": "false",
    "delta.checkpointPolicy": "classic",
    "delta.columnMapping.mode": "none",
    "delta.logRetentionDuration": "interval 30 days",
    "delta.deletedFileRetentionDuration": "interval 7 days",
}


class EmptyInputError(RuntimeError):
    """A table that must hold rows holds none; the message names it and the job that fills it."""


@dataclass
class Night:
    """One run date of one domain. Jobs read and write tables through it, by their full name.

    Every write is one atomic Delta commit with the contract's columns, in its order and types; the versions
    read and written are kept for the ledger.
    """

    spark: SparkSession
    settings: Settings
    domain: Domain
    run_date: date
    force_training: bool = False
    versions_read: dict[str, int] = field(default_factory=dict)
    versions_written: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Wall-clock times without a zone are times of the domain.
        self.spark.conf.set("spark.sql.session.timeZone", self.domain.time_zone)

    @property
    def as_of(self) -> datetime:
        """The moment the run date starts in the domain's time zone; only earlier events count."""
        return self.domain.start_of(self.run_date)

    @cached_property
    def code_version(self) -> str:
        """Version of the code: the setting, else the git commit (`-dirty` with local changes)."""
        if self.settings.code_version:
            return self.settings.code_version
        command = ["git", "-C", str(PROJECT_ROOT), "describe", "--always", "--dirty", "--exclude", "*"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip() or "unknown"

    def path(self, name: str) -> str:
        """Folder of the table `name`."""
        table = TABLES[name]
        return str(self.settings.lakehouse / self.domain.domain / table.layer / table.name)

    def exists(self, name: str) -> bool:
        """Whether the table was ever written."""
        return (Path(self.path(name)) / "_delta_log").is_dir()

    def read(self, name: str) -> DataFrame:
        """The table's latest version; an empty frame with its columns where it was never written."""
        if not self.exists(name):
            return self.spark.createDataFrame([], schema_of(TABLES[name]))
        version = self.version(name)
        self.versions_read[name] = version
        return self.spark.read.format("delta").option("versionAsOf", version).load(self.path(name))

    def version(self, name: str) -> int:
        """Latest Delta version of the table, read from its log without a Spark job."""
        return int(deltalake.DeltaTable(self.path(name), without_files=True).version())

    def replace(self, name: str, frame: DataFrame, where: str | None = None) -> None:
        """Replace the table, or only the rows that fulfil `where`, in one commit."""
        writer = self._writer(name, frame).mode("overwrite")
        if where and self.exists(name):
            writer = writer.option("replaceWhere", where)
        writer.save(self.path(name))
        self._wrote(name)

    def append(self, name: str, frame: DataFrame) -> None:
        """Append rows. Only for ledgers; data tables are replaced or merged, so that a retry can't write twice."""
        self._writer(name, frame).mode("append").save(self.path(name))
        self._wrote(name)

    def merge_new(self, name: str, frame: DataFrame) -> None:
        """Insert the rows whose key is not there yet. `frame` must hold each key once."""
        if not self.exists(name):
            self.replace(name, frame)
            return
        table = TABLES[name]
        condition = " AND ".join(f"old.{key} = new.{key}" for key in table.key)
        target = DeltaTable.forPath(self.spark, self.path(name)).alias("old")
        source = to_contract(frame, table).alias("new")
        target.merge(source, condition).whenNotMatchedInsertAll().execute()
        self._wrote(name)

    def record(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Append a few rows to a ledger in `ops`, stamped with run date and time."""
        table = TABLES[name]
        stamp = {"run_date": self.run_date, "recorded_at": datetime.now(UTC)}
        values = [tuple((stamp | row).get(column) for column in table.column_names) for row in rows]
        self.append(name, self.spark.createDataFrame(values, schema_of(table)))

    def require_rows(self, name: str, hint: str) -> DataFrame:
        """The table, which must hold rows; raises EmptyInputError with `hint` on what to do."""
        frame = self.read(name)
        if frame.isEmpty():
            raise EmptyInputError(f"{name} of domain {self.domain.domain} is empty: {hint}")
        return frame

    def snapshot_dates(self) -> list[date]:
        """Dates to describe users and items as of, newest first: tonight, and the training cuts when it trains."""
        return [self.run_date, *(self.training_cuts() if self.decided("train") else [])]

    def training_cuts(self) -> list[date]:
        """The domain's cut dates (test, then training windows) that have events before them."""
        first = self.read("silver.interactions").agg(F.min("event_at").alias("at")).first()
        begun = first["at"].replace(tzinfo=UTC) if first and first["at"] else self.as_of
        return [cut for cut in self.domain.cut_dates(self.run_date) if self.domain.start_of(cut) > begun]

    def snapshots(self) -> DataFrame:
        """Snapshot dates with the moment each stands for: `as_of` (date), `as_of_at` (timestamp)."""
        rows = [(day, self.domain.start_of(day)) for day in self.snapshot_dates()]
        return self.spark.createDataFrame(rows, "as_of date, as_of_at timestamp")

    def decided(self, decision: str) -> bool:
        """Whether tonight's latest decision of this kind was yes."""
        rows = self.read("ops.decisions").where(
            (F.col("run_date") == F.lit(self.run_date)) & (F.col("decision") == decision)
        )
        latest = rows.orderBy(F.desc("recorded_at")).first()
        return latest is not None and latest["outcome"] == "yes"

    def _writer(self, name: str, frame: DataFrame) -> Any:
        table = TABLES[name]
        if not self.exists(name):
            self._create(table)
        metadata = f'{{"run_date": "{self.run_date}", "code_version": "{self.code_version}"}}'
        writer = to_contract(frame, table).write.format("delta").option("userMetadata", metadata)
        return writer.partitionBy(*table.partition_by) if table.partition_by else writer

    def _create(self, table: Table) -> None:
        builder = DeltaTable.createIfNotExists(self.spark).location(self.path(table.full_name)).comment(table.meaning)
        for column in table.columns:
            builder = builder.addColumn(column.name, column.type, nullable=column.nullable, comment=column.meaning)
        for key, value in _PROPERTIES.items():
            builder = builder.property(key, value)
        (builder.partitionedBy(*table.partition_by) if table.partition_by else builder).execute()

    def _wrote(self, name: str) -> None:
        self.versions_written[name] = self.version(name)


def schema_of(table: Table) -> T.StructType:
    """The table's columns as a Spark schema; ledgers' nullability included."""
    ddl = ", ".join(f"`{c.name}` {c.type}{'' if c.nullable else ' NOT NULL'}" for c in table.columns)
    schema = T.StructType.fromDDL(ddl)
    assert isinstance(schema, T.StructType)
    return schema


def to_contract(frame: DataFrame, table: Table) -> DataFrame:
    """Exactly the contract's columns, in its order, cast to its types."""
    return frame.select(*[F.col(column.name).cast(column.type).alias(column.name) for column in table.columns])
