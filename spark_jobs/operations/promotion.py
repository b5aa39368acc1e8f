"""What a person says about a model version: it scores from the next night on, or it may not."""

from __future__ import annotations

import getpass

from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.errors import NightjarError
from spark_jobs.contracts.settings import Settings
from spark_jobs.lakehouse.run_context import RunContext
from spark_jobs.ledgers import decisions
from spark_jobs.ledgers.decisions import Decision, Kind, Outcome
from spark_jobs.ledgers.leases import Lease, hold_lease
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
    context = RunContext.tonight(settings, domain)
    with hold_lease(context.lakehouse, Lease.of_this_process(f"decision about version {version}")):
        registry = ModelRegistry(settings, domain)
        booster = registry.load(version)
        text = f"by {by or getpass.getuser()}: {reason}"
        outcome = Outcome.YES if chosen else Outcome.NO
        choice = Decision(Kind.CHOOSE, outcome, text, version, booster.feature_names or [])
        ends_hold = [Decision(Kind.HOLD, Outcome.NO, text, version)] if chosen else []
        decisions.record(context, *ends_hold, choice)
        registry.tag(registry.describe(version), {"promotion": f"{'promoted' if chosen else 'refused'} {text}"})
