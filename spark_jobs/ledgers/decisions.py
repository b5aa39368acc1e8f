"""`ops.decisions`: what nights and people decided, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from spark_jobs.contracts.serving import source_version
from spark_jobs.lakehouse.run_context import RunContext
from spark_jobs.lakehouse.tables import Lakehouse, literal
from spark_jobs.ledgers.ledger import rows

TABLE = "ops.decisions"


class Kind(StrEnum):
    """What was decided about."""

    TRAIN = "train"
    """Whether the ranker trains tonight."""
    PROMOTE = "promote"
    """Whether the version trained tonight may serve."""
    SERVE_BASELINE = "serve_baseline"
    """That a candidate source serves, since no ranker may."""
    DIVERSIFY = "diversify"
    """How strongly exposure is diversified tonight."""
    PUBLISH = "publish"
    """Whether tonight's lists replaced what was served."""
    HOLD = "hold"
    """Whether a person keeps a model in place, whatever trainings come out."""
    CHOOSE = "choose"
    """Whether a person lets a version serve."""


class Outcome(StrEnum):
    """What was decided."""

    YES = "yes"
    NO = "no"
    WAITS = "waits"
    """A version is good enough, and a person has to say."""


@dataclass(frozen=True)
class Decision:
    """One row of ops.decisions."""

    kind: Kind
    outcome: Outcome
    reason: str
    model_version: str | None = None
    features: Sequence[str] | None = None
    """Features that the model version needs."""

    @property
    def yes(self) -> bool:
        """Whether it was decided so."""
        return self.outcome == Outcome.YES


@dataclass(frozen=True)
class RecordedDecision(Decision):
    """A decision with its run date and the time of its recording."""

    run_date: date = date.min
    recorded_at: datetime = datetime.min


def record(context: RunContext, *decisions: Decision) -> None:
    """Record decisions of the context's run date, in one commit."""
    context.record(
        TABLE,
        [
            {
                "decision": str(one.kind),
                "outcome": str(one.outcome),
                "reason": one.reason,
                "model_version": one.model_version,
                "features": None if one.features is None else list(one.features),
            }
            for one in decisions
        ],
    )


def latest(lakehouse: Lakehouse, kind: Kind, *, until: date | None = None) -> RecordedDecision | None:
    """The decision of this kind recorded last for the newest run date, of run dates up to `until`; None without any."""
    return _latest(lakehouse, kind, f"run_date <= DATE '{until}'" if until else "true")


def latest_of_date(lakehouse: Lakehouse, kind: Kind, run_date: date) -> RecordedDecision | None:
    """The decision of this kind recorded last for the run date; None without any."""
    return _latest(lakehouse, kind, f"run_date = DATE '{run_date}'")


def latest_yes(lakehouse: Lakehouse, kind: Kind, *, until: date) -> RecordedDecision | None:
    """The latest decision of this kind that was yes, of run dates up to `until`; None without any."""
    return _latest(lakehouse, kind, f"run_date <= DATE '{until}' AND outcome = '{Outcome.YES}'")


def latest_about(lakehouse: Lakehouse, kind: Kind, version: str) -> RecordedDecision | None:
    """The latest decision of this kind about a model version; None without any."""
    return _latest(lakehouse, kind, f"model_version = {literal(version)}")


def _latest(lakehouse: Lakehouse, kind: Kind, condition: str) -> RecordedDecision | None:
    newest = "ORDER BY run_date DESC, recorded_at DESC LIMIT 1"
    found = rows(lakehouse, TABLE, f"decision = '{kind}' AND {condition}", newest)
    if not found:
        return None
    values = dict(found[0])
    return RecordedDecision(kind=Kind(values.pop("decision")), outcome=Outcome(values.pop("outcome")), **values)


def decided(lakehouse: Lakehouse, kind: Kind, run_date: date) -> bool:
    """Whether the run date's latest decision of this kind is yes."""
    decision = latest_of_date(lakehouse, kind, run_date)
    return decision is not None and decision.yes


def baseline_serves(source: str, reason: str) -> Decision:
    """The decision that a candidate source serves, since no ranker may."""
    return Decision(Kind.SERVE_BASELINE, Outcome.YES, reason, source_version(source))


def promotion_candidate(lakehouse: Lakehouse, run_date: date) -> str | None:
    """The version that is to score the run date although it is not champion yet; None where there is none.

    It is what the run date's training promoted, the source that it found best where no ranker may serve, or what a
    person chose since the night before, whichever was decided last, unless a person held another one after that.
    """
    candidates = [latest_of_date(lakehouse, kind, run_date) for kind in (Kind.PROMOTE, Kind.SERVE_BASELINE)]
    chosen = latest(lakehouse, Kind.CHOOSE, until=run_date)
    published = latest(lakehouse, Kind.PUBLISH, until=run_date - timedelta(days=1))
    if chosen and (published is None or chosen.recorded_at > published.recorded_at):
        candidates.append(chosen)
    held = held_model(lakehouse, run_date)
    accepted = [
        candidate
        for candidate in candidates
        if candidate and candidate.yes and (held is None or candidate.recorded_at > held.recorded_at)
    ]
    return max(accepted, key=lambda candidate: candidate.recorded_at).model_version if accepted else None


def held_model(lakehouse: Lakehouse, until: date) -> RecordedDecision | None:
    """The decision of a person that keeps a model in place, if the latest one about it is such."""
    held = latest(lakehouse, Kind.HOLD, until=until)
    return held if held and held.yes else None
