"""Access control of jobs: the job catalogue says which tables a job reads and writes, and this holds it to that."""

from __future__ import annotations

from dataclasses import dataclass, field

from spark_jobs.contracts.errors import NightjarError
from spark_jobs.contracts.job_catalog import Job


class UndeclaredTableError(NightjarError):
    """A job reads or writes a table that the catalogue does not give it; the message names both."""


@dataclass(frozen=True)
class Access:
    """The tables one job may use, and the Delta versions of those that it has read."""

    job: Job
    versions_read: dict[str, int] = field(default_factory=dict)

    def require_readable(self, table: str) -> None:
        """Raise UndeclaredTableError unless the table is an input of the job, or an output that it reads back."""
        if table not in self.job.inputs and table not in self.job.outputs:
            raise self._undeclared("reads", table, "inputs")

    def require_writable(self, table: str) -> None:
        """Raise UndeclaredTableError unless the table is an output of the job."""
        if table not in self.job.outputs:
            raise self._undeclared("writes", table, "outputs")

    def record_read(self, table: str, version: int) -> None:
        """Note the first version of an input that the job saw, for `ops.runs`."""
        if table in self.job.inputs:
            self.versions_read.setdefault(table, version)

    def _undeclared(self, does: str, table: str, where: str) -> UndeclaredTableError:
        return UndeclaredTableError(
            f"{self.job.name} {does} {table}, which is not among its {where} in spark_jobs/contracts/job_catalog.py. "
            "Declare it there, so that lineage, the order of jobs and ops.runs stay true."
        )
