"""Promote a model version by hand: the next night scores with it."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Any

from spark_jobs.contracts.code_version import code_version
from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.settings import Settings
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.lakehouse.turns import Turn, held
from spark_jobs.registry.model_registry import ModelRegistry


def promote(settings: Settings, domain: Domain, version: str, reason: str, by: str | None = None) -> None:
    """Write the decision down, and end the pin that there may be.

    Raises ValueError for an empty reason and ModelNotFoundError for an unknown version before anything is written, and
    TurnTakenError while a night runs.
    """
    if not reason.strip():
        raise ValueError("Give a reason: the next person on call will ask for it.")
    lakehouse = Lakehouse.of(settings, domain)
    with held(lakehouse, Turn.of_this_process(f"promotion of {version}")):
        booster = ModelRegistry(settings, domain).load(version)
        told = f"by {by or getpass.getuser()}: {reason}"
        stamp: dict[str, Any] = {"run_date": domain.tonight(), "recorded_at": datetime.now(UTC)}
        stamp |= {"reason": told, "model_version": version}
        pin = stamp | {"decision": "pin", "outcome": "no"}
        chosen = stamp | {"decision": "choose", "outcome": "yes", "features": list(booster.feature_names or [])}
        metadata = {"run_date": str(domain.tonight()), "code_version": code_version(settings)}
        lakehouse.append("ops.decisions", [pin, chosen], metadata)
