"""Where a domain's tables lie, and access to them without a JVM: the one door to the storage below.

Nothing else asks whether a table exists or which version it has, so another storage comes in here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from operator import and_
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, Field, QueryBuilder, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError
from pyarrow.fs import FileSystem, FileType

from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.errors import NightjarError
from spark_jobs.contracts.settings import Settings
from spark_jobs.contracts.storage import Location, lakehouse_location
from spark_jobs.contracts.tables import TABLES, Table
from spark_jobs.contracts.tables.renames import RENAMED_COLUMNS
from spark_jobs.lakehouse.access import Access
from spark_jobs.lakehouse.schema import arrow_schema

LOG_RETENTION, LOG_DAYS = "delta.logRetentionDuration", 30
# What all four readers (delta-rs, DuckDB, Polars, Spark) read correctly, pinned against changing defaults.
_PROPERTIES: dict[str, str | None] = {
    "delta.enableDeletionVectors": "false",
    "delta.checkpointPolicy": "classic",
    "delta.columnMapping.mode": "none",
    LOG_RETENTION: f"interval {LOG_DAYS} days",
    "delta.deletedFileRetentionDuration": "interval 7 days",
}

_BATCH_ROWS = 20_000
"""Rows with a hundred ids each that are decoded at once: some 30 MB."""


class NotWrittenError(NightjarError):
    """A table was never written in this domain; the message says so in one sentence."""


class OldTableError(NightjarError):
    """A table was written by an earlier Nightjar that called a column otherwise; the message says what to do."""


@dataclass(frozen=True)
class Lakehouse:
    """The tables of one domain, by their full name (`gold.recommendations`): the one door to their storage.

    With `access` every method raises UndeclaredTableError for a table that the job catalogue does not give the job.
    """

    location: Location
    domain: str
    access: Access | None = field(default=None, compare=False)

    @classmethod
    def of(cls, settings: Settings, domain: Domain | str, access: Access | None = None) -> Lakehouse:
        """The lakehouse of a domain in this installation."""
        return cls(lakehouse_location(settings), domain if isinstance(domain, str) else domain.domain, access)

    def uri(self, name: str) -> str:
        """Where the table lies; raises KeyError for one that no contract names."""
        table = TABLES[name]
        return self.location.below(self.domain, table.layer, table.name)

    @property
    def _options(self) -> dict[str, str] | None:
        return dict(self.location.options) or None

    def has_version(self, name: str, version: int) -> bool:
        """Whether the log still has this version of the table."""
        try:
            self._readable(name, version, without_files=True)
        except DeltaError:
            return False
        return True

    def missing_files(self, name: str, version: int) -> tuple[int, int]:
        """How many of the data files of a version are gone, and how many it has."""
        actions = pa.table(self._readable(name, version).get_add_actions())
        filesystem, folder = FileSystem.from_uri(self.uri(name))
        paths = [f"{folder}/{unquote(path)}" for path in actions["path"].to_pylist()]
        missing = [info for info in filesystem.get_file_info(paths) if info.type == FileType.NotFound]
        return len(missing), len(paths)

    def exists(self, name: str) -> bool:
        """Whether the table was ever written."""
        if self.access:
            self.access.require_readable(name)
        return bool(DeltaTable.is_deltatable(self.uri(name), self._options))

    def _readable(self, name: str, version: int | None = None, *, without_files: bool = False) -> DeltaTable:
        """The table at a version, the latest by default, for reading."""
        if self.access:
            self.access.require_readable(name)
        return DeltaTable(self.uri(name), version, self._options, without_files)

    def _content(self, name: str, version: int | None) -> DeltaTable:
        """The table at a version, for reading its rows: the version is recorded as one that the job read."""
        table = self._readable(name, version)
        if self.access:
            self.access.record_read(name, int(table.version()))
        return table

    def _writable(self, name: str, version: int | None = None) -> DeltaTable:
        """The table for writing; the version that a write rests on."""
        if self.access:
            self.access.require_writable(name)
        return DeltaTable(self.uri(name), version, self._options)

    def version(self, name: str) -> int:
        """Latest Delta version of the table, from its log."""
        return int(self._readable(name, without_files=True).version())

    def files(self, name: str, version: int) -> tuple[list[str], dict[str, Any]]:
        """Data files of a version of the table, and its schema as Spark's JSON; from the log, without a Spark job."""
        table = self._readable(name, version)
        # Not file_uris(), which percent-encodes the folders above the table as well.
        paths = pa.table(table.get_add_actions(flatten=True))["path"].to_pylist()
        return sorted(f"{self.uri(name)}/{unquote(path)}" for path in paths), json.loads(table.schema().to_json())

    def count(self, name: str) -> int:
        """Number of rows, from the log; 0 for a table that was never written."""
        return int(self._readable(name).count()) if self.exists(name) else 0

    def rows_written(self, name: str) -> int:
        """Rows that the latest commit wrote, as its writer noted."""
        metrics = self._readable(name, without_files=True).history(1)[0].get("operationMetrics", {})
        noted = [metrics.get(key) for key in ("numOutputRows", "numTargetRowsInserted", "num_added_rows")]
        return next((int(rows) for rows in noted if rows is not None), 0)

    def create(self, name: str, extra_columns: list[str] | None = None) -> None:
        """Create the table with the contract's columns and comments, empty, unless it is there.

        One with other `extra_columns` (features come and go) is emptied and gets the new ones, and so is a table of
        snapshots, which is made of others.
        """
        if self.access:
            self.access.require_writable(name)
        table = TABLES[name]
        schema = arrow_schema(table, extra_columns)
        remade = bool(table.extra_columns) or table.partition_by == ("as_of",)
        changed = remade and self.exists(name) and self._columns(name) != schema.names
        DeltaTable.create(
            self.uri(name),
            schema,
            mode="overwrite" if changed else "ignore",
            partition_by=list(table.partition_by),
            description=table.description,
            configuration=_PROPERTIES | _stats_properties(table),
            storage_options=self._options,
        )

    def add_missing_columns(self) -> None:
        """Give tables that an earlier Nightjar wrote the nullable columns that their contracts got since.

        Raises OldTableError for a table with a column that has another name by now.
        """
        for name, table in TABLES.items():
            if not self.exists(name):
                continue
            present, schema = self._columns(name), arrow_schema(table)
            for old, new in RENAMED_COLUMNS.get(name, {}).items():
                if old in present:
                    raise OldTableError(
                        f"{name} of domain {self.domain} has the column {old}, which is {new} since Nightjar 0.1.0. "
                        f"Move {self.location.below(self.domain)} away, and the next night makes its tables again "
                        "from the landing files; or go on with the version that wrote it."
                    )
            if added := [schema.field(column.name) for column in table.columns if column.name not in present]:
                fields = [Field.from_arrow(field) for field in added if field.nullable]
                self._writable(name).alter.add_columns(fields)

    def append(self, name: str, rows: list[dict[str, Any]], metadata: dict[str, str]) -> int:
        """Add a few rows to a ledger in one commit; the new version. Columns that a row lacks are NULL."""
        if not self.exists(name):
            self.create(name)
        table = self._writable(name)
        write_deltalake(
            table,
            pa.Table.from_pylist(rows, schema=_without_comments(name)),
            mode="append",
            commit_properties=CommitProperties(custom_metadata=metadata),
        )
        return int(table.version())

    def partition_values(self, name: str, column: str) -> set[str]:
        """Values of a partition column, from the table's log; empty where the table was never written."""
        return {part[column] for part in self._readable(name).partitions()} if self.exists(name) else set()

    def rows(self, name: str, version: int | None, **equal: Any) -> pa.Table:
        """Rows with these values (`as_of=day`), for tables of catalogue size."""
        return self.stream(name, version, **equal).read_all()

    def stream(self, name: str, version: int | None, **equal: Any) -> pa.RecordBatchReader:
        """Rows with these values (`as_of=day`) batch by batch, for tables of several entries per item."""
        conditions = [pc.field(column) == value for column, value in equal.items()]
        dataset = self._content(name, version).to_pyarrow_dataset()
        scanner = dataset.scanner(
            filter=reduce(and_, conditions) if conditions else None,
            batch_size=_BATCH_ROWS,
            batch_readahead=1,
            fragment_readahead=1,
        )
        return scanner.to_reader()

    def copy_partitions(
        self, name: str, column: str, copies: dict[date, date], where: str | None, metadata: dict[str, str]
    ) -> int:
        """Replace the table, or rows that fulfil `where`, by copies of partitions under other dates; its version."""
        copied = []
        for new, old in copies.items():
            rows = self.rows(name, None, **{column: old})
            column_of_new = pa.repeat(pa.scalar(new, pa.date32()), rows.num_rows)
            copied.append(rows.set_column(rows.column_names.index(column), column, column_of_new))
        return self.replace(name, pa.concat_tables(copied), where, metadata)

    def replace(self, name: str, rows: pa.Table, where: str | None, metadata: dict[str, str]) -> int:
        """Replace the table, or rows that fulfil `where`, by rows of its contract in one commit; its version."""
        extra_columns = rows.column_names[len(TABLES[name].columns) :]
        self.create(name, extra_columns)
        schema, table = _without_comments(name, extra_columns), self._writable(name)
        write_deltalake(
            table,
            rows.select(schema.names).cast(schema),
            mode="overwrite",
            predicate=where,
            commit_properties=CommitProperties(custom_metadata=metadata),
        )
        return int(table.version())

    def copy_rows(self, source: str, target: str, where: str, metadata: dict[str, str]) -> int:
        """Replace one table by rows of another, in one commit and as a stream; the target's version."""
        self.create(target)
        schema = _without_comments(target)
        columns = ", ".join(f'"{name}"' for name in schema.names)
        builder = QueryBuilder().register("source", self._content(source, None))
        rows = pa.RecordBatchReader.from_stream(builder.execute(f"SELECT {columns} FROM source WHERE {where}"))
        batches = (batch.cast(schema) for batch in rows)
        table = self._writable(target)
        write_deltalake(
            table,
            pa.RecordBatchReader.from_batches(schema, batches),
            mode="overwrite",
            commit_properties=CommitProperties(custom_metadata=metadata),
        )
        return int(table.version())

    def replace_at(self, name: str, rows: list[dict[str, Any]], version: int) -> bool:
        """Replace a small table if it still has this version; whether it had."""
        table = self._writable(name, version)
        content = pa.Table.from_pylist(rows, schema=_without_comments(name))
        try:
            write_deltalake(table, content, mode="overwrite", commit_properties=CommitProperties(max_commit_retries=0))
        except CommitFailedError:
            return False
        return True

    def file_count(self, name: str) -> int:
        """Data files of the table."""
        return len(self._readable(name).file_uris())

    def compact(self, name: str, metadata: dict[str, str]) -> None:
        """Write the small files of each partition together; no row changes, and nothing is written without any."""
        table = self._writable(name)
        table.optimize.compact(commit_properties=CommitProperties(custom_metadata=metadata))

    def keep_log(self, name: str, retention_days: int) -> None:
        """Let the log be kept as long as the versions of the last days: without their entries nobody can read them."""
        table, wanted = self._writable(name), f"interval {max(LOG_DAYS, retention_days)} days"
        if table.metadata().configuration.get(LOG_RETENTION) != wanted:
            table.alter.set_table_properties({LOG_RETENTION: wanted})

    def vacuum(self, name: str, retention_days: int) -> int:
        """Delete the files that no version of the last days needs, and log entries older than the log is kept."""
        table = self._writable(name)
        table.create_checkpoint()
        table.cleanup_metadata()
        return len(table.vacuum(retention_hours=24 * retention_days, dry_run=False))

    def delete(self, name: str, where: str, metadata: dict[str, str]) -> int:
        """Delete the rows that fulfil `where`; the table's version."""
        table = self._writable(name)
        table.delete(where, commit_properties=CommitProperties(custom_metadata=metadata))
        return int(table.version())

    def query(self, sql: str, **tables: str | tuple[str, int]) -> pa.Table:
        """Run DataFusion SQL: `query("SELECT count(*) FROM r", r="gold.recommendations")`.

        Each keyword is a name in the SQL, its value a table's full name, or name and version. Files that can't hold
        the rows asked for are skipped. Raises NotWrittenError for a table without data.
        """
        builder = QueryBuilder()
        for alias, table in tables.items():
            name, version = table if isinstance(table, tuple) else (table, None)
            if not self.exists(name):
                raise NotWrittenError(f"{name} of domain {self.domain} has not been written yet.")
            builder = builder.register(alias, self._content(name, version))
        # Not pa.table(), which imports pandas to look whether its argument is a data frame.
        return pa.RecordBatchReader.from_stream(builder.execute(sql)).read_all()

    def _columns(self, name: str) -> list[str]:
        return [column.name for column in self._readable(name, without_files=True).schema().fields]


def _stats_properties(table: Table) -> dict[str, str | None]:
    if table.stats_columns is None:
        return {}
    if not table.stats_columns:
        return {"delta.dataSkippingNumIndexedCols": "0"}
    return {"delta.dataSkippingStatsColumns": ",".join(table.stats_columns)}


def _without_comments(name: str, extra_columns: list[str] | None = None) -> pa.Schema:
    """Columns to write: a comment that was worded otherwise when the table was made must not refuse its rows."""
    return pa.schema([field.remove_metadata() for field in arrow_schema(TABLES[name], extra_columns)])


def literal(text: str) -> str:
    """`text` as an SQL string literal.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"
