"""Branching between stages: what the night decided, read from its ledger without a JVM."""

from __future__ import annotations

from datetime import date

from spark_jobs.contracts.settings import load_settings
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers.decisions import Kind, latest_of_date


def decided(domain: str, run_date: str, decision: str) -> bool:
    """Whether the latest decision of this kind for the run date is yes."""
    latest_decision = latest_of_date(
        Lakehouse.of(load_settings(), domain), Kind(decision), date.fromisoformat(run_date)
    )
    if latest_decision:
        print(f"{decision}: {'yes' if latest_decision.yes else 'no'}, {latest_decision.reason}")
    return latest_decision is not None and latest_decision.yes
