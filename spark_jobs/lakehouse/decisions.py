"""What nights and people decided, read back from `ops.decisions` without a JVM."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from spark_jobs.contracts.serving import source_version
from spark_jobs.lakehouse.tables import Lakehouse, literal

YES, NO, WAITS = "yes", "no", "waits"
"""Outcomes: the last one of a version that is good enough and waits for a person."""


@dataclass(frozen=True)
class Decision:
    """One row of ops.decisions."""

    run_date: date
    outcome: str
    reason: str
    model_version: str | None
    features: list[str] | None
    recorded_at: datetime

    @property
    def yes(self) -> bool:
        """Whether it was decided so."""
        return self.outcome == YES


def latest(
    lakehouse: Lakehouse,
    decision: str,
    *,
    on: date | None = None,
    until: date | None = None,
    yes: bool = False,
    version: str | None = None,
) -> Decision | None:
    """The decision of this kind recorded last for the newest run date, or None.

    Only for the run date `on`, only of run dates up to `until`, only those that were `yes`, only about the model
    version, where given.
    """
    if not lakehouse.exists("ops.decisions"):
        return None
    conditions = [f"decision = {literal(decision)}"]
    conditions += [f"run_date = DATE '{on}'"] if on else []
    conditions += [f"run_date <= DATE '{until}'"] if until else []
    conditions += [f"outcome = {literal(YES)}"] if yes else []
    conditions += [f"model_version = {literal(version)}"] if version else []
    rows = lakehouse.query(
        "SELECT run_date, outcome, reason, model_version, features, recorded_at FROM decisions "
        f"WHERE {' AND '.join(conditions)} ORDER BY run_date DESC, recorded_at DESC LIMIT 1",
        decisions="ops.decisions",
    ).to_pylist()
    return Decision(**rows[0]) if rows else None


def decided(lakehouse: Lakehouse, decision: str, run_date: date) -> bool:
    """Whether the run date's latest decision of this kind is yes."""
    found = latest(lakehouse, decision, on=run_date)
    return found is not None and found.yes


def baseline_serves(source: str, reason: str) -> dict[str, str]:
    """The decision that a candidate source serves, since no ranker may."""
    return {"decision": "serve_baseline", "outcome": YES, "reason": reason, "model_version": source_version(source)}


def nominee(lakehouse: Lakehouse, run_date: date) -> str | None:
    """The version that is to score the run date although it is not champion yet; None where there is none.

    It is what the run date's training promoted, the source that it found best where no ranker may serve, or what a
    person chose since the night before, whichever was decided last, unless a person pinned another one after that.
    """
    promoted, baseline = (latest(lakehouse, kind, on=run_date) for kind in ("promote", "serve_baseline"))
    chosen = latest(lakehouse, "choose", until=run_date)
    served, pin = latest(lakehouse, "publish", until=run_date - timedelta(days=1)), pinned(lakehouse, run_date)
    found = [decision for decision in (promoted, baseline, chosen) if decision and decision.yes]
    if pin:
        found = [decision for decision in found if decision.recorded_at > pin.recorded_at]
    if served:
        found = [decision for decision in found if decision is not chosen or decision.recorded_at > served.recorded_at]
    return max(found, key=lambda decision: decision.recorded_at).model_version if found else None


def pinned(lakehouse: Lakehouse, until: date) -> Decision | None:
    """The pin that keeps a model in place, if the latest decision about pins is one."""
    pin = latest(lakehouse, "pin", until=until)
    return pin if pin and pin.yes else None
