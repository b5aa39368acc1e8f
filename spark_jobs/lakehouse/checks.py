"""What quality gates found, read back from `ops.quality_results` without a JVM."""

from __future__ import annotations

from spark_jobs.lakehouse.tables import Lakehouse, literal


def passed(lakehouse: Lakehouse, table: str, version: int | None, suite: str | None = None) -> bool:
    """Whether this version of the table was checked, and nothing critical was broken; with `suite` by that suite."""
    if version is None or not lakehouse.exists("ops.quality_results"):
        return False
    found = lakehouse.query(
        "SELECT count(*) AS checks, count(*) FILTER (WHERE NOT success AND severity = 'critical') AS broken "
        f'FROM results WHERE "table" = {literal(table)} AND version = {version}'
        + (f" AND suite = {literal(suite)}" if suite else ""),
        results="ops.quality_results",
    ).to_pylist()[0]
    return bool(found["checks"] and not found["broken"])
