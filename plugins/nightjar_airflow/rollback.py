"""Rolling back as a task."""

from __future__ import annotations

from spark_jobs.contracts.domain import find_domain
from spark_jobs.contracts.settings import load_settings


def serve_release(domain: str, release: str, reason: str, by: str) -> None:
    """Serve the release again, and say what was done."""
    # MLflow and XGBoost are for the task, not for whoever parses its DAG.
    from spark_jobs.operations.rollback import roll_back

    settings = load_settings()
    result = roll_back(settings, find_domain(settings.conf_dir, domain), release, reason, by or "Airflow")
    print(f"{result.release} serves, {result.rows:,} rows, instead of {result.before} ({result.seconds:.1f} s)")
