"""The night a job runs in: a run context with Spark."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_jobs.contracts.errors import NightjarError
from spark_jobs.contracts.job_catalog import Job
from spark_jobs.contracts.storage import spark_path
from spark_jobs.contracts.tables import TABLES, Table
from spark_jobs.lakehouse.access import Access
from spark_jobs.lakehouse.content import content_before
from spark_jobs.lakehouse.run_context import RunContext
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.lakehouse.writers import SMALL_LOG, Writer, write_by_delta_rs, write_by_spark, writer_for

EVENTS_PER_PARTITION = 500_000
"""About 100 MB, a quarter of what a heap of 1 GiB has for the sorting of two tasks."""


class EmptyInputError(NightjarError):
    """A table that must hold rows holds none; the message names it and the job that fills it."""


@dataclass
class Night(RunContext):
    """One run date of one domain with Spark. Jobs read and write tables through it, by their full name.

    Every write is one atomic Delta commit with the contract's columns, in its order and types. Within a job
    (`for_job`) a table is read at the version it had when it was first asked for, or that the job itself wrote, and
    only tables that the job catalogue gives the job can be used.
    """

    spark: SparkSession = field(kw_only=True)
    force_training: bool = field(default=False, kw_only=True)
    unchecked: dict[str, str | None] = field(default_factory=dict, kw_only=True)
    """By table the part of it (SQL) that was written and its gate has to check; None where that passed before."""
    chosen_writers: dict[str, Writer] = field(default_factory=dict, kw_only=True)
    """The writer of small tables, once it has been chosen for the night; all its jobs share this."""
    known_content: dict[tuple[str, int, tuple[date, ...]], dict[date, str]] = field(default_factory=dict, kw_only=True)
    """What `content_before` found, for the jobs after the one that asked."""

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
        return max(self.settings.shuffle_partitions, math.ceil(events / EVENTS_PER_PARTITION))

    @property
    def small_table_writer(self) -> Writer:
        """Who writes tables that grow with events and users; chosen once a night, when its events have landed."""
        if "small tables" in self.chosen_writers:
            return self.chosen_writers["small tables"]
        events = self._everything.count("bronze.interactions")
        if not events:
            return "spark"
        places = self._known_users() * self.domain.recommendations.per_user
        writer: Writer = "delta-rs" if max(events, places) <= SMALL_LOG else "spark"
        # Before silver is there nobody knows how many users there are.
        if self._everything.exists("silver.interactions"):
            self.chosen_writers["small tables"] = writer
        return writer

    @cached_property
    def _everything(self) -> Lakehouse:
        """All tables, for what decides how work is done and not what comes out."""
        return Lakehouse.of(self.settings, self.domain)

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
        return reader.parquet(*map(spark_path, files)).select(schema.fieldNames())

    def content_as_of(self, name: str, column: str, days: list[date], *, inclusive: bool) -> dict[date, str]:
        """Per day a hash of the rows of the table whose `column` is before the day starts, or at that moment."""
        moments = {day: self.domain.start_of(day) + timedelta(microseconds=inclusive) for day in days}
        version = self.read_version(name)
        key = (name, version, tuple(days))
        if key not in self.known_content:
            self.known_content[key] = content_before(self.lakehouse, name, version, column, moments)
        return self.known_content[key]

    def replace(self, name: str, frame: DataFrame, where: str | None = None, *, few: bool = False) -> None:
        """Replace the table, or only the rows that fulfil `where`, in one commit; `few` where the caller knows it."""
        writer = "delta-rs" if few else writer_for(self, TABLES[name])
        write = {"delta-rs": write_by_delta_rs, "spark": write_by_spark}[writer]
        rows = to_contract(frame, TABLES[name])
        with self.timed_write():
            write(self, name, rows, where)

    def merge_new(self, name: str, frame: DataFrame) -> None:
        """Insert the rows whose key is not there yet. `frame` must hold each key once."""
        self._merge(name, frame, update=False)

    def merge_latest(self, name: str, frame: DataFrame) -> None:
        """Insert the rows, in the place of those whose key is there. `frame` must hold each key once."""
        self._merge(name, frame, update=True)

    def _merge(self, name: str, frame: DataFrame, *, update: bool) -> None:
        if self.access:
            self.access.require_writable(name)
        if not self.lakehouse.exists(name):
            self.replace(name, frame)
            return
        table = TABLES[name]
        condition = " AND ".join(f"old.{key} = new.{key}" for key in table.key)
        with self.timed_write():
            target = DeltaTable.forPath(self.spark, self.lakehouse.uri(name)).alias("old")
            new = to_contract(frame, table).alias("new")
            merge = target.merge(new, condition).whenNotMatchedInsertAll()
            (merge.whenMatchedUpdateAll() if update else merge).execute()
            self.versions_written[name] = self.lakehouse.version(name)

    def require_rows(self, name: str, hint: str) -> DataFrame:
        """The table, which must hold rows; raises EmptyInputError with `hint` on what to do."""
        if not self.lakehouse.count(name):
            raise EmptyInputError(f"{name} of domain {self.domain.domain} is empty: {hint}")
        return self.read(name)

    def _known_users(self) -> int:
        """Users with events and users who are known otherwise; who is both may count twice. For small logs."""
        events, known = "silver.interactions", self._everything.count("bronze.users")
        if not self._everything.exists(events):
            return known
        counted = self._everything.query("SELECT count(DISTINCT user_id) AS n FROM e", e=events)
        return known + int(counted["n"][0].as_py())


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
