"""What a person says about a model version: it scores from the next night on, or it may not."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Any

from spark_jobs.contracts.code_version import code_version
from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.errors import NightjarError
from spark_jobs.contracts.settings import Settings
from spark_jobs.lakehouse.decisions import NO, YES
from spark_jobs.lakehouse.leases import Lease, hold_lease
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.registry.model_registry import ModelRegistry


class NoReasonError(NightjarError):
    """A person's decision came without a reason, which others need later."""


def promote(settings: Settings, domain: Domain, version: str, reason: str, by: str | None = None) -> None:
    """Let the next night score with the version, and end the hold on another one that there may be.

    Raises NoReasonError for an empty reason and ModelNotFoundError for an unknown version before anything is written,
    and LeaseTakenError while a night runs.
    """
    _decide(settings, domain, version, reason, by, chosen=True)


def refuse(settings: Settings, domain: Domain, version: str, reason: str, by: str | None = None) -> None:
    """Write down that the version is not to serve; a champion goes on serving until another one is promoted.

    Raises what `promote` raises.
    """
    _decide(settings, domain, version, reason, by, chosen=False)


def _decide(settings: Settings, domain: Domain, version: str, reason: str, by: str | None, *, chosen: bool) -> None:
    if not reason.strip():
        raise NoReasonError("Give a reason: the next person on call will ask for it. Nothing was changed.")
    lakehouse = Lakehouse.of(settings, domain)
    with hold_lease(lakehouse, Lease.of_this_process(f"decision about version {version}")):
        registry = ModelRegistry(settings, domain)
        booster = registry.load(version)
        text = f"by {by or getpass.getuser()}: {reason}"
        stamp: dict[str, Any] = {"run_date": domain.tonight(), "recorded_at": datetime.now(UTC)}
        stamp |= {"reason": text, "model_version": version}
        rows = [stamp | {"decision": "hold", "outcome": NO}] if chosen else []
        choice = {"decision": "choose", "outcome": YES if chosen else NO}
        rows.append(stamp | choice | {"features": list(booster.feature_names or [])})
        metadata = {"run_date": str(domain.tonight()), "code_version": code_version(settings)}
        lakehouse.append("ops.decisions", rows, metadata)
        registry.tag(registry.describe(version), {"promotion": f"{'promoted' if chosen else 'refused'} {text}"})
