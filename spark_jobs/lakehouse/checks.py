"""What quality gates found, read back from `ops.quality_results` without a JVM."""

from __future__ import annotations

from datetime import UTC, date, datetime

from spark_jobs.lakehouse.tables import Lakehouse, literal

COPIED = {"expectation": "copied from rows that passed", "severity": "critical", "success": True}


def carry_over(lakehouse: Lakehouse, table: str, version: int, copy: int, metadata: dict[str, str]) -> None:
    """Note that `copy`, a version with the rows of `version`, passed what that one passed."""
    if not passed(lakehouse, table, version):
        return
    suites = lakehouse.query(
        f'SELECT DISTINCT suite FROM results WHERE "table" = {literal(table)} AND version = {version}',
        results="ops.quality_results",
    )["suite"].to_pylist()
    stamp = {"run_date": date.fromisoformat(metadata["run_date"]), "recorded_at": datetime.now(UTC)}
    rows = [stamp | COPIED | {"table": table, "suite": suite, "version": copy} for suite in suites]
    lakehouse.append("ops.quality_results", rows, metadata)


def passed(lakehouse: Lakehouse, table: str, version: int | None, suite: str | None = None) -> bool:
    """Whether this version of the table was checked, and nothing critical was broken; with `suite` by that suite."""
    if version is None or not lakehouse.exists("ops.quality_results"):
        return False
    counts = lakehouse.query(
        "SELECT count(*) AS checks, count(*) FILTER (WHERE NOT success AND severity = 'critical') AS broken "
        f'FROM results WHERE "table" = {literal(table)} AND version = {version}'
        + (f" AND suite = {literal(suite)}" if suite else ""),
        results="ops.quality_results",
    ).to_pylist()[0]
    return bool(counts["checks"] and not counts["broken"])
