"""Maintenance as a task."""

from __future__ import annotations

from spark_jobs.contracts.domain import find_domain
from spark_jobs.contracts.settings import load_settings
from spark_jobs.operations.maintenance import maintain


def maintain_tables(domain: str) -> None:
    """Compact and vacuum the domain's tables, and say what was done."""
    settings = load_settings()
    for one in maintain(settings, find_domain(settings.conf_dir, domain)):
        print(f"{one.table}: {one.files_before} files, now {one.files_after}; {one.removed} deleted")
