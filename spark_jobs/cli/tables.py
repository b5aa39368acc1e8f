"""Read Nightjar's tables without a JVM: SQL over delta-rs, which skips files that can't hold the rows asked for."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder

from spark_jobs.contracts.settings import Settings
from spark_jobs.contracts.tables import TABLES


class NotWrittenError(LookupError):
    """A table was never written in this domain; the message says so in one sentence."""


def folder(settings: Settings, domain: str, table: str) -> Path:
    """Folder of the table with the full name `table` (`gold.recommendations`)."""
    contract = TABLES[table]
    return settings.lakehouse / domain / contract.layer / contract.name


def exists(settings: Settings, domain: str, table: str) -> bool:
    """Whether the table was ever written."""
    return (folder(settings, domain, table) / "_delta_log").is_dir()


def query(settings: Settings, domain: str, sql: str, **tables: str) -> pa.Table:
    """Run DataFusion SQL over tables of a domain: `query(s, d, "SELECT count(*) FROM r", r="gold.recommendations")`.

    Each keyword is a name in the SQL, its value a table's full name. Raises NotWrittenError for a table without data.
    """
    builder = QueryBuilder()
    for alias, table in tables.items():
        if not exists(settings, domain, table):
            raise NotWrittenError(f"{table} of domain {domain} has not been written yet.")
        builder = builder.register(alias, DeltaTable(str(folder(settings, domain, table))))
    # Not pa.table(), which imports pandas to look whether its argument is a data frame.
    return pa.RecordBatchReader.from_stream(builder.execute(sql)).read_all()


def literal(text: str) -> str:
    """`text` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
