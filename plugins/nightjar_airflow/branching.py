"""Branching between stages: what the night decided, read from its ledger without a JVM."""

from __future__ import annotations

from datetime import date

from spark_jobs.contracts.settings import load_settings
from spark_jobs.lakehouse.decisions import latest
from spark_jobs.lakehouse.tables import Lakehouse


def decided(domain: str, run_date: str, decision: str) -> bool:
    """Whether the latest decision of this kind for the run date is yes."""
    found = latest(Lakehouse.of(load_settings(), domain), decision, on=date.fromisoformat(run_date))
    if found:
        print(f"{decision}: {'yes' if found.yes else 'no'}, {found.reason}")
    return found is not None and found.yes
