"""One run of something for a domain, without a JVM: its tables, the versions it reads, and what it records."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

import pyarrow as pa

from spark_jobs.contracts.code_version import code_version
from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.settings import Settings
from spark_jobs.contracts.tables import TABLES
from spark_jobs.lakehouse.access import Access
from spark_jobs.lakehouse.schema import arrow_schema
from spark_jobs.lakehouse.tables import Lakehouse


@dataclass
class RunContext:
    """One run date of one domain: what nights, promotions, rollbacks, maintenance and pages share.

    Every write is one atomic Delta commit that names run date and code. Ledger rows are stamped with the run date and
    the time of their recording.
    """

    settings: Settings
    domain: Domain
    run_date: date
    versions_fixed: bool = field(default=False, kw_only=True)
    """Whether each table is read at the version it had when it was first asked for, or that this run wrote itself."""
    versions_read: dict[str, int] = field(default_factory=dict, kw_only=True)
    versions_written: dict[str, int] = field(default_factory=dict, kw_only=True)
    access: Access | None = field(default=None, kw_only=True)
    """What the job may use; None outside of the jobs of a night: everything."""
    write_seconds: float = field(default=0.0, kw_only=True)
    """Time spent in writes so far."""

    @classmethod
    def tonight(cls, settings: Settings, domain: Domain) -> RunContext:
        """For what a person does now: its run date is today in the domain's time zone."""
        return RunContext(settings, domain, domain.tonight())

    @cached_property
    def lakehouse(self) -> Lakehouse:
        """The domain's tables, as far as the job may use them."""
        return Lakehouse.of(self.settings, self.domain, self.access)

    @property
    def as_of(self) -> datetime:
        """The moment the run date starts in the domain's time zone; only earlier events count."""
        return self.domain.start_of(self.run_date)

    @property
    def code_version(self) -> str:
        """Version of the code that runs."""
        return code_version(self.settings)

    @property
    def metadata(self) -> dict[str, str]:
        """What every commit says of itself."""
        return {"run_date": str(self.run_date), "code_version": self.code_version}

    def read_version(self, name: str) -> int:
        """The version to read of a table that exists."""
        if self.versions_fixed:
            known = self.versions_written.get(name, self.versions_read.get(name))
            if known is not None:
                return known
        version = self.lakehouse.version(name)
        self.versions_read[name] = version
        return version

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

    def record(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Append a few rows to a ledger in `ops`, stamped with run date and time. Ledgers call this, nobody else."""
        stamp = {"run_date": self.run_date, "recorded_at": datetime.now(UTC)}
        self.write(name, lambda: self.lakehouse.append(name, [stamp | row for row in rows], self.metadata))

    def record_instead(self, name: str, rows: list[dict[str, Any]], where: str) -> None:
        """The same in the place of the rows that fulfil `where`, in one commit."""
        stamp = {"run_date": self.run_date, "recorded_at": datetime.now(UTC)}
        table = pa.Table.from_pylist([stamp | row for row in rows], schema=arrow_schema(TABLES[name]))
        self.write(name, lambda: self.lakehouse.replace(name, table, where, self.metadata))

    def delete(self, name: str, where: str) -> None:
        """Delete the rows that fulfil `where`."""
        self.write(name, lambda: self.lakehouse.delete(name, where, self.metadata))

    def copy_partitions(self, name: str, column: str, copies: dict[date, date], where: str | None) -> None:
        """Replace the table, or the rows that fulfil `where`, by copies of partitions."""
        self.write(name, lambda: self.lakehouse.copy_partitions(name, column, copies, where, self.metadata))

    def write(self, name: str, commit: Callable[[], int]) -> None:
        """Write a table by `commit`, which gives its new version; the time counts as spent in writes."""
        with self.timed_write():
            self.versions_written[name] = commit()

    @contextmanager
    def timed_write(self) -> Iterator[None]:
        """Add the time of the block to `write_seconds`."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.write_seconds += time.monotonic() - started
