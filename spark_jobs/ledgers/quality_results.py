"""`ops.quality_results`: every expectation and check that was evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from spark_jobs.lakehouse.run_context import RunContext
from spark_jobs.lakehouse.tables import Lakehouse, literal
from spark_jobs.ledgers.ledger import rows

TABLE = "ops.quality_results"


@dataclass(frozen=True)
class QualityResult:
    """One row."""

    table: str
    """Table that was checked."""
    expectation: str
    severity: str
    """`critical` stops the night, `warning` is recorded."""
    success: bool
    unexpected: int | None = None
    """Rows that break it."""
    examples: str | None = None
    version: int | None = None
    """Delta version of the table that a quality gate checked."""
    suite: str | None = None
    """Digest of the suite that a quality gate ran."""


def record(context: RunContext, results: Sequence[QualityResult]) -> None:
    """Record results, in one commit."""
    context.record(TABLE, [asdict(result) for result in results])


def copied(table: str, version: int, suite: str) -> QualityResult:
    """The result of a version whose rows are copies of some that passed the suite."""
    return QualityResult(table, "copied from rows that passed", "critical", True, version=version, suite=suite)


def carry_over(context: RunContext, table: str, version: int, copy: int) -> None:
    """Note that `copy`, a version with the rows of `version`, passed what that one passed."""
    if not passed(context.lakehouse, table, version):
        return
    results = rows(context.lakehouse, TABLE, f'"table" = {literal(table)} AND version = {version}')
    suites = sorted({row["suite"] for row in results if row["suite"]})
    record(context, [copied(table, copy, suite) for suite in suites])


def passed(lakehouse: Lakehouse, table: str, version: int | None, suite: str | None = None) -> bool:
    """Whether this version of the table was checked, and nothing critical was broken; with `suite` by that suite."""
    if version is None:
        return False
    of_suite = f" AND suite = {literal(suite)}" if suite else ""
    results = rows(lakehouse, TABLE, f'"table" = {literal(table)} AND version = {version}{of_suite}')
    broken = [row for row in results if not row["success"] and row["severity"] == "critical"]
    return bool(results) and not broken
