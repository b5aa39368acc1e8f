"""Where a domain's tables lie, and access to them without a JVM: the one door to the storage below.

Nothing else asks whether a table exists or which version it has, so another storage comes in here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, QueryBuilder, write_deltalake

from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.settings import Settings
from spark_jobs.contracts.tables import TABLES
from spark_jobs.lakehouse.schema import arrow_schema

# What all four readers (delta-rs, DuckDB, Polars, Spark) read correctly, pinned against changing defaults.
_PROPERTIES: dict[str, str | None] = {
    "delta.enableDeletionVectors": "false",
    "delta.checkpointPolicy": "classic",
    "delta.columnMapping.mode": "none",
    "delta.logRetentionDuration": "interval 30 days",
    "delta.deletedFileRetentionDuration": "interval 7 days",
}


class NotWrittenError(LookupError):
    """A table was never written in this domain; the message says so in one sentence."""


@dataclass(frozen=True)
class Lakehouse:
    """The tables of one domain below `root`, by their full name (`gold.recommendations`)."""

    root: str
    domain: str

    @classmethod
    def of(cls, settings: Settings, domain: Domain | str) -> Lakehouse:
        """The lakehouse of a domain in this installation."""
        return cls(str(settings.lakehouse), domain if isinstance(domain, str) else domain.domain)

    def uri(self, name: str) -> str:
        """Where the table lies; raises KeyError for one that no contract names."""
        table = TABLES[name]
        return f"{self.root}/{self.domain}/{table.layer}/{table.name}"

    def exists(self, name: str) -> bool:
        """Whether the table was ever written."""
        return bool(DeltaTable.is_deltatable(self.uri(name)))

    def version(self, name: str) -> int:
        """Latest Delta version of the table, from its log."""
        return int(DeltaTable(self.uri(name), without_files=True).version())

    def create(self, name: str, further: list[str] | None = None) -> None:
        """Create the table with the contract's columns and comments, empty, unless it is there.

        One whose `further` columns are others (features come and go) is emptied and gets the new ones.
        """
        table = TABLES[name]
        schema = arrow_schema(table, further)
        changed = bool(table.further) and self.exists(name) and self._columns(name) != schema.names
        DeltaTable.create(
            self.uri(name),
            schema,
            mode="overwrite" if changed else "ignore",
            partition_by=list(table.partition_by),
            description=table.meaning,
            configuration=_PROPERTIES,
        )

    def append(self, name: str, rows: list[dict[str, Any]], metadata: dict[str, str]) -> int:
        """Add a few rows to a ledger in one commit; the new version. Columns that a row lacks are NULL."""
        self.create(name)
        write_deltalake(
            DeltaTable(self.uri(name)),
            pa.Table.from_pylist(rows, schema=arrow_schema(TABLES[name])),
            mode="append",
            commit_properties=CommitProperties(custom_metadata=metadata),
        )
        return self.version(name)

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
            builder = builder.register(alias, DeltaTable(self.uri(name), version=version))
        # Not pa.table(), which imports pandas to look whether its argument is a data frame.
        return pa.RecordBatchReader.from_stream(builder.execute(sql)).read_all()

    def _columns(self, name: str) -> list[str]:
        return [column.name for column in DeltaTable(self.uri(name), without_files=True).schema().fields]


def literal(text: str) -> str:
    """`text` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
