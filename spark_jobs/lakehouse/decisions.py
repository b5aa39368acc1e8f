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


def latest(lakehouse: Lakehouse, decision: str, *, until: date | None = None) -> Decision | None:
    """The decision of this kind recorded last for the newest run date, of run dates up to `until`; None without any."""
    return _latest(lakehouse, decision, f"run_date <= DATE '{until}'" if until else "true")


def latest_of_date(lakehouse: Lakehouse, decision: str, run_date: date) -> Decision | None:
    """The decision of this kind recorded last for the run date; None without any."""
    return _latest(lakehouse, decision, f"run_date = DATE '{run_date}'")


def latest_yes(lakehouse: Lakehouse, decision: str, *, until: date) -> Decision | None:
    """The latest decision of this kind that was yes, of run dates up to `until`; None without any."""
    return _latest(lakehouse, decision, f"run_date <= DATE '{until}' AND outcome = {literal(YES)}")


def latest_about(lakehouse: Lakehouse, decision: str, version: str) -> Decision | None:
    """The latest decision of this kind about a model version; None without any."""
    return _latest(lakehouse, decision, f"model_version = {literal(version)}")


def _latest(lakehouse: Lakehouse, decision: str, condition: str) -> Decision | None:
    if not lakehouse.exists("ops.decisions"):
        return None
    rows = lakehouse.query(
        "SELECT run_date, outcome, reason, model_version, features, recorded_at FROM decisions "
        f"WHERE decision = {literal(decision)} AND {condition} ORDER BY run_date DESC, recorded_at DESC LIMIT 1",
        decisions="ops.decisions",
    ).to_pylist()
    return Decision(**rows[0]) if rows else None


def decided(lakehouse: Lakehouse, decision: str, run_date: date) -> bool:
    """Whether the run date's latest decision of this kind is yes."""
    row = latest_of_date(lakehouse, decision, run_date)
    return row is not None and row.yes


def baseline_serves(source: str, reason: str) -> dict[str, str]:
    """The decision that a candidate source serves, since no ranker may."""
    return {"decision": "serve_baseline", "outcome": YES, "reason": reason, "model_version": source_version(source)}


def promotion_candidate(lakehouse: Lakehouse, run_date: date) -> str | None:
    """The version that is to score the run date although it is not champion yet; None where there is none.

    It is what the run date's training promoted, the source that it found best where no ranker may serve, or what a
    person chose since the night before, whichever was decided last, unless a person held another one after that.
    """
    candidates = [latest_of_date(lakehouse, kind, run_date) for kind in ("promote", "serve_baseline")]
    chosen = latest(lakehouse, "choose", until=run_date)
    published = latest(lakehouse, "publish", until=run_date - timedelta(days=1))
    if chosen and (published is None or chosen.recorded_at > published.recorded_at):
        candidates.append(chosen)
    held = held_model(lakehouse, run_date)
    accepted = [
        candidate
        for candidate in candidates
        if candidate and candidate.yes and (held is None or candidate.recorded_at > held.recorded_at)
    ]
    return max(accepted, key=lambda candidate: candidate.recorded_at).model_version if accepted else None


def held_model(lakehouse: Lakehouse, until: date) -> Decision | None:
    """The decision of a person that keeps a model in place, if the latest one about it is such."""
    held = latest(lakehouse, "hold", until=until)
    return held if held and held.yes else None
