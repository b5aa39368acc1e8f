"""Put a published release back: lists and model in one commit, without a JVM.

The order of writes makes it safe against crashes: the hold on the model first (no night moves on from a model that a
person chose), then the served lists in one commit, which is the switch, then the ledger, then the registry's aliases.
A rerun of the same command finishes whatever was left undone.
"""

from __future__ import annotations

import getpass
import time
from dataclasses import dataclass
from typing import Any

from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.errors import NightjarError
from spark_jobs.contracts.serving import source_of
from spark_jobs.contracts.settings import Settings
from spark_jobs.lakehouse.run_context import RunContext
from spark_jobs.lakehouse.tables import Lakehouse, literal
from spark_jobs.ledgers import decisions, releases
from spark_jobs.ledgers.decisions import Decision, Kind, Outcome
from spark_jobs.ledgers.leases import Lease, hold_lease
from spark_jobs.ledgers.releases import HISTORY, ROLLBACK, SERVED, published, release_named, serving
from spark_jobs.operations.promotion import NoReasonError
from spark_jobs.registry.model_registry import ModelRegistry


class RollbackError(NightjarError):
    """A release can't be put back; the message says what is missing. Nothing was changed."""


@dataclass(frozen=True)
class RollbackResult:
    """What a rollback did."""

    release: str
    before: str
    rows: int
    seconds: float


def roll_back(settings: Settings, domain: Domain, name: str, reason: str, by: str | None = None) -> RollbackResult:
    """Serve the release again, and keep its model until somebody promotes another.

    Raises NoReasonError, UnknownReleaseError, RollbackError or ModelNotFoundError before anything is written, and
    LeaseTakenError while a night runs.
    """
    started, context = time.monotonic(), RunContext.tonight(settings, domain)
    lakehouse = context.lakehouse
    if not reason.strip():
        raise NoReasonError("Give a reason: the next person on call will ask for it. Nothing was changed.")
    release = release_named(lakehouse, name)
    with hold_lease(lakehouse, Lease.of_this_process(f"rollback to {name}")):
        rows = _require_lists(lakehouse, release)
        registry = _require_model(settings, domain, release)
        before = serving(lakehouse)
        _hold_model(context, release, reason)
        if before is None or before.release != name:
            lakehouse.copy_rows(HISTORY, SERVED, f"release = {literal(name)}", context.metadata | {"release": name})
        _record(context, release, reason, by or getpass.getuser())
        registry.follow(release["model_version"])
    return RollbackResult(name, before.release if before else "nothing", rows, time.monotonic() - started)


def _require_lists(lakehouse: Lakehouse, release: dict[str, Any]) -> int:
    """Number of the release's rows that are kept, which must be all."""
    where = f"run_date = DATE '{release['run_date']}' AND release = {literal(release['release'])}"
    rows = lakehouse.query(f"SELECT count(*) AS n FROM h WHERE {where}", h=HISTORY).to_pylist()[0]["n"]
    if rows != release["rows"]:
        raise RollbackError(
            f"Release {release['release']} can't be put back: {HISTORY} holds {rows:,} of its {release['rows']:,} "
            "rows. Lists are kept for NIGHTJAR_HISTORY_DAYS, and for the domain's recommendations.kept_releases. "
            "Nothing was changed."
        )
    return int(rows)


def _require_model(settings: Settings, domain: Domain, release: dict[str, Any]) -> ModelRegistry:
    """The registry, which must have the release's model: the next nights score with it."""
    registry, version = ModelRegistry(settings, domain), release["model_version"]
    if source_of(version) is None:
        registry.load(version)
    return registry


def _hold_model(context: RunContext, release: dict[str, Any], reason: str) -> None:
    decisions.record(context, Decision(Kind.HOLD, Outcome.YES, reason, release["model_version"]))


def _record(context: RunContext, release: dict[str, Any], reason: str, by: str) -> None:
    last = published(context.lakehouse, 1)[0]
    if (last["kind"], last["release"]) == (ROLLBACK, release["release"]):
        return
    of_release = {name: value for name, value in release.items() if name not in ("run_date", "recorded_at")}
    releases.record(
        context, of_release | {"kind": ROLLBACK, "serving": True, "reason": reason, "by": by, "churn": None}
    )
