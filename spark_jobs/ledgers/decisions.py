"""`ops.decisions`: what nights and people decided, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from spark_jobs.contracts.serving import source_version
from spark_jobs.lakehouse.run_context import RunContext
from spark_jobs.lakehouse.tables import Lakehouse, literal
from spark_jobs.ledgers.ledger import Row, rows

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
    return _recorded(found[0])


def _recorded(row: Row) -> RecordedDecision:
    values = dict(row)
    return RecordedDecision(kind=Kind(values.pop("decision")), outcome=Outcome(values.pop("outcome")), **values)


def decided(lakehouse: Lakehouse, kind: Kind, run_date: date) -> bool:
    """Whether the run date's latest decision of this kind is yes."""
    decision = latest_of_date(lakehouse, kind, run_date)
    return decision is not None and decision.yes


def baseline_serves(source: str, reason: str) -> Decision:
    """The decision that a candidate source serves, since no ranker may."""
    return Decision(Kind.SERVE_BASELINE, Outcome.YES, reason, source_version(source))


def promotion_candidate(lakehouse: Lakehouse, run_date: date) -> RecordedDecision | None:
    """The decision for the model that is to score the run date although it does not serve yet; None without any.

    Of what was accepted up to the run date and no night has published since, the latest: what a training promoted, the
    source that serves for want of a ranker, or what a person chose. A night whose publish failed loses none of them;
    a person who refuses one version takes back no other; and nothing passes what a person holds.
    """
    before = run_date - timedelta(days=1)
    published, held = latest(lakehouse, Kind.PUBLISH, until=before), held_model(lakehouse, run_date)
    since = published.recorded_at if published else datetime.min.replace(tzinfo=UTC)
    choices = choices_of_people(lakehouse, run_date)
    proposed = [latest_of_date(lakehouse, kind, run_date) for kind in (Kind.PROMOTE, Kind.SERVE_BASELINE)]
    waiting = [latest(lakehouse, kind, until=before) for kind in (Kind.PROMOTE, Kind.SERVE_BASELINE)]
    proposed += [one for one in (*waiting, *choices.values()) if one and one.recorded_at > since]

    def stands(decision: RecordedDecision) -> bool:
        word = choices.get(decision.model_version)
        taken_back = word is not None and not word.yes and word.recorded_at > decision.recorded_at
        return decision.yes and not taken_back and (held is None or decision.recorded_at > held.recorded_at)

    return max((one for one in proposed if one and stands(one)), key=lambda one: one.recorded_at, default=None)


def choices_of_people(lakehouse: Lakehouse, until: date) -> dict[str | None, RecordedDecision]:
    """The last word of a person on each model version that one was asked about."""
    found = rows(lakehouse, TABLE, f"decision = '{Kind.CHOOSE}' AND run_date <= DATE '{until}'", "ORDER BY recorded_at")
    return {row["model_version"]: _recorded(row) for row in found}


def held_model(lakehouse: Lakehouse, until: date) -> RecordedDecision | None:
    """The decision of a person that keeps a model in place, if the latest one about it is such."""
    held = latest(lakehouse, Kind.HOLD, until=until)
    return held if held and held.yes else None
