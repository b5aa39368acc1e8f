"""The night a job runs in: the domain, the run date and checked access to the tables."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cached_property, wraps
from typing import Any

import pyarrow as pa
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_jobs.contracts.code_version import code_version
from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.errors import NightjarError
from spark_jobs.contracts.job_catalog import Job
from spark_jobs.contracts.settings import Settings
from spark_jobs.contracts.tables import TABLES, Table
from spark_jobs.lakehouse.access import Access
from spark_jobs.lakehouse.schema import arrow_schema
from spark_jobs.lakehouse.tables import Lakehouse

EVENTS_PER_PARTITION = 500_000
"""About 100 MB, a quarter of what a heap of 1 GiB has for the sorting of two tasks."""
SMALL_LOG = 200_000
"""Events, and places in lists, up to which any table that is made of them fits the driver: some 50 MB."""
_GLOB = re.compile(r"([\[\]{}*?\\])")


class EmptyInputError(NightjarError):
    """A table that must hold rows holds none; the message names it and the job that fills it."""


def _timed(write: Callable[..., None]) -> Callable[..., None]:
    """Add the time of a write to the night's `write_seconds`."""

    @wraps(write)
    def timed(night: Night, *arguments: Any, **named: Any) -> None:
        started = time.monotonic()
        try:
            write(night, *arguments, **named)
        finally:
            night.write_seconds += time.monotonic() - started

    return timed


@dataclass
class Night:
    """One run date of one domain. Jobs read and write tables through it, by their full name.

    Every write is one atomic Delta commit with the contract's columns, in its order and types. Within a job
    (`for_job`) a table is read at the version it had when it was first asked for, or that the job itself wrote, and
    only tables that the job catalogue gives the job can be used.
    """

    spark: SparkSession
    settings: Settings
    domain: Domain
    run_date: date
    force_training: bool = False
    versions_fixed: bool = False
    versions_read: dict[str, int] = field(default_factory=dict)
    versions_written: dict[str, int] = field(default_factory=dict)
    unchecked: dict[str, str | None] = field(default_factory=dict)
    """By table the part of it (SQL) that was written and its gate has to check; None where that passed before."""

    write_seconds: float = 0.0
    """Time spent in writes so far."""
    access: Access | None = None
    """What the job may use; None outside of the jobs of a night: everything."""

    def __post_init__(self) -> None:
        # Wall-clock times without a zone are times of the domain.
        self.spark.conf.set("spark.sql.session.timeZone", self.domain.time_zone)

    def for_job(self, job: Job | None = None) -> Night:
        """The same night for one job: no versions read or written yet, those it reads fixed, its tables only."""
        read: dict[str, int] = {}
        access = Access(job, read) if job else None
        own: dict[str, Any] = {"versions_read": read, "versions_written": {}, "unchecked": {}, "write_seconds": 0.0}
        return replace(self, versions_fixed=True, access=access, **own)

    def after_job(self) -> Night:
        """The same job's night for its quality gates: every table, at the versions that the job saw and wrote."""
        read, written = dict(self.versions_read), dict(self.versions_written)
        return replace(self, access=None, versions_read=read, versions_written=written)

    @property
    def partitions(self) -> int:
        """Partitions after a shuffle: as many as the settings say, more where they would hold too many events."""
        events = self._everything.count("bronze.interactions")
        return max(self.settings.shuffle_partitions, -(-events // EVENTS_PER_PARTITION))

    @cached_property
    def lakehouse(self) -> Lakehouse:
        """The domain's tables, as far as the job may use them."""
        return Lakehouse.of(self.settings, self.domain, self.access)

    @cached_property
    def _everything(self) -> Lakehouse:
        """All tables, for what decides how work is done and not what comes out."""
        return Lakehouse.of(self.settings, self.domain)

    @property
    def as_of(self) -> datetime:
        """The moment the run date starts in the domain's time zone; only earlier events count."""
        return self.domain.start_of(self.run_date)

    @property
    def code_version(self) -> str:
        """Version of the code that runs."""
        return code_version(self.settings)

    def read_version(self, name: str) -> int:
        """The version to read of a table that exists."""
        if self.versions_fixed:
            known = self.versions_written.get(name, self.versions_read.get(name))
            if known is not None:
                return known
        version = self.lakehouse.version(name)
        self.versions_read[name] = version
        return version

    def read(self, name: str) -> DataFrame:
        """The table; an empty frame with its columns where it was never written.

        Which files it has is read from its log here. Asking Delta inside Spark takes two Spark jobs or more per table;
        tables are plain (no deletion vectors, no column mapping), so the files are all there is to know.
        """
        if not self.lakehouse.exists(name):
            return self.spark.createDataFrame([], schema_of(TABLES[name]))
        files, fields = self.lakehouse.files(name, self.read_version(name))
        schema = T.StructType.fromJson(fields)
        if not files:
            return self.spark.createDataFrame([], schema)
        reader = self.spark.read.schema(schema).option("basePath", self.lakehouse.uri(name))
        # Spark puts partition columns last.
        return reader.parquet(*[_GLOB.sub(r"\\\1", file) for file in files]).select(schema.fieldNames())

    def rows(self, name: str, **equal: Any) -> pa.Table:
        """Rows with these values (`as_of=day`) without a Spark job; for tables of catalogue size."""
        return self.stream(name, **equal).read_all()

    def stream(self, name: str, **equal: Any) -> pa.RecordBatchReader:
        """Rows with these values batch by batch, without a Spark job; for tables of several entries per item.

        A table that was never written has no rows.
        """
        if not self.lakehouse.exists(name):
            return pa.RecordBatchReader.from_batches(arrow_schema(TABLES[name]), [])
        return self.lakehouse.stream(name, self.read_version(name), **equal)

    @_timed
    def replace(self, name: str, frame: DataFrame, where: str | None = None, *, few: bool = False) -> None:
        """Replace the table, or only the rows that fulfil `where`, in one commit; `few` where the caller knows it."""
        if few or self._fits_driver(TABLES[name]):
            rows = to_contract(frame, TABLES[name]).toArrow()
            self.versions_written[name] = self.lakehouse.replace(name, rows, where, self._metadata())
            return
        writer = self._writer(name, frame).mode("overwrite")
        if where:
            writer = writer.option("replaceWhere", where)
        writer.save(self.lakehouse.uri(name))
        self._wrote(name)

    def delete(self, name: str, where: str) -> None:
        """Delete the rows that fulfil `where`, without a Spark job."""
        self.versions_written[name] = self.lakehouse.delete(name, where, self._metadata())

    @_timed
    def copy_partitions(self, name: str, column: str, copies: dict[date, date], where: str | None) -> None:
        """Replace the table, or the rows that fulfil `where`, by copies of partitions, without a Spark job."""
        self.versions_written[name] = self.lakehouse.copy_partitions(name, column, copies, where, self._metadata())

    @_timed
    def merge_new(self, name: str, frame: DataFrame) -> None:
        """Insert the rows whose key is not there yet. `frame` must hold each key once."""
        if self.access:
            self.access.require_writable(name)
        if not self.lakehouse.exists(name):
            self.replace(name, frame)
            return
        table = TABLES[name]
        condition = " AND ".join(f"old.{key} = new.{key}" for key in table.key)
        target = DeltaTable.forPath(self.spark, self.lakehouse.uri(name)).alias("old")
        source = to_contract(frame, table).alias("new")
        target.merge(source, condition).whenNotMatchedInsertAll().execute()
        self._wrote(name)

    @_timed
    def record(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Append a few rows to a ledger in `ops`, stamped with run date and time; without a Spark job."""
        stamp = {"run_date": self.run_date, "recorded_at": datetime.now(UTC)}
        self.versions_written[name] = self.lakehouse.append(name, [stamp | row for row in rows], self._metadata())

    def require_rows(self, name: str, hint: str) -> DataFrame:
        """The table, which must hold rows; raises EmptyInputError with `hint` on what to do."""
        if not self.lakehouse.count(name):
            raise EmptyInputError(f"{name} of domain {self.domain.domain} is empty: {hint}")
        return self.read(name)

    def _metadata(self) -> dict[str, str]:
        return {"run_date": str(self.run_date), "code_version": self.code_version}

    def _fits_driver(self, table: Table) -> bool:
        """Whether delta-rs writes the table: it commits in milliseconds, Spark in more than a second."""
        if table.small:
            # Seven snapshots of a large catalogue are too much for the driver's heap.
            return self.partitions == self.settings.shuffle_partitions
        # How much is about to land the log does not say.
        if table.layer == "bronze" or not 0 < self._everything.count("bronze.interactions") <= SMALL_LOG:
            return False
        return self._known_users() * self.domain.recommendations.per_user <= SMALL_LOG

    def _known_users(self) -> int:
        """Users with events and users who are known otherwise; who is both may count twice. For small logs."""
        events, known = "silver.interactions", self._everything.count("bronze.users")
        if not self._everything.exists(events):
            return known
        counted = self._everything.query("SELECT count(DISTINCT user_id) AS n FROM e", e=events)
        return known + int(counted["n"][0].as_py())

    def _writer(self, name: str, frame: DataFrame) -> Any:
        table = TABLES[name]
        rows = to_contract(frame, table)
        self.lakehouse.create(name, extra_columns=rows.columns[len(table.columns) :])
        writer = rows.write.format("delta").option("userMetadata", json.dumps(self._metadata()))
        return writer.partitionBy(*table.partition_by) if table.partition_by else writer

    def _wrote(self, name: str) -> None:
        self.versions_written[name] = self.lakehouse.version(name)


def schema_of(table: Table) -> T.StructType:
    """The table's columns as a Spark schema; ledgers' nullability included."""
    ddl = ", ".join(f"`{c.name}` {c.type}{'' if c.nullable else ' NOT NULL'}" for c in table.columns)
    schema = T.StructType.fromDDL(ddl)
    assert isinstance(schema, T.StructType)
    return schema


def to_contract(frame: DataFrame, table: Table) -> DataFrame:
    """Exactly the contract's columns, in its order, cast to its types; then those that the contract leaves open."""
    typed = [F.col(column.name).cast(column.type).alias(column.name) for column in table.columns]
    if table.extra_columns:
        names = [name for name in frame.columns if name not in table.column_names]
        typed += [F.col(name).cast(table.extra_columns.type).alias(name) for name in names]
    return frame.select(*typed)
