"""Registered model versions with quality, aliases and verdict."""

from __future__ import annotations

from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.settings import Settings
from spark_jobs.ledgers.ledger import Row
from spark_jobs.registry.model_registry import ModelRegistry


def version_rows(settings: Settings, domain: Domain, limit: int) -> list[Row]:
    """The latest versions, newest first."""
    return [
        {
            "version": version.number,
            "run_date": version.tags.get("run_date", ""),
            "ndcg_at_10": version.metrics.get("ndcg_at_10"),
            "aliases": ", ".join(aliases),
            "verdict": version.tags.get("promotion", "not evaluated yet"),
        }
        for version, aliases in ModelRegistry(settings, domain).versions(limit)
    ]
