"""Gates between stages: they read what the night decided from its table, without a JVM."""

from __future__ import annotations

from spark_jobs.cli.tables import literal, query
from spark_jobs.contracts.settings import load_settings


def decided(domain: str, run_date: str, decision: str) -> bool:
    """Whether the latest decision of this kind for the run date is yes."""
    rows = query(
        load_settings(),
        domain,
        f"SELECT outcome, reason FROM decisions WHERE run_date = DATE '{run_date}' AND decision = {literal(decision)} "
        "ORDER BY recorded_at DESC LIMIT 1",
        decisions="ops.decisions",
    ).to_pylist()
    if rows:
        print(f"{decision}: {rows[0]['outcome']}, {rows[0]['reason']}")
    return bool(rows) and rows[0]["outcome"] == "yes"
