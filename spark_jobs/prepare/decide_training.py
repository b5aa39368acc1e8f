"""Decide whether the ranker trains tonight, and write down why.

Reads earlier decisions and silver.interactions, writes ops.decisions. Training is due without a champion, when the
latest training is `train.every_days` old or learnt from sources that the domain has switched off since, when the
champion needs features that the code does not make any more, when the registry lost a model, when something drifted
since and the domain asks for that (`monitor.retrain`), or when it is asked for.
Only decisions of earlier run dates count, so that a rerun of a date decides the same. Until the log is long enough for
a first training, and users come back, a source serves, which is decided here as well.
"""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta

from spark_jobs.contracts.domain.windows import LENGTHS, Windows
from spark_jobs.contracts.errors import NightjarError
from spark_jobs.contracts.serving import source_of
from spark_jobs.lakehouse.night import Night
from spark_jobs.ledgers import decisions
from spark_jobs.ledgers.decisions import Decision, Kind, Outcome, RecordedDecision, baseline_serves, latest, latest_yes
from spark_jobs.ledgers.drift import alarms_since
from spark_jobs.ledgers.releases import champion, champion_known_at
from spark_jobs.planning.training_dates import EVENTS, SPARSE_LOG, returning_user_count, training_dates
from spark_jobs.recommender.features.vocabulary import sources_behind
from spark_jobs.recommender.ranking.ranker import missing_features
from spark_jobs.recommender.sources import sources_on, starting_source
from spark_jobs.registry.model_registry import ModelRegistry

log = logging.getLogger("nightjar")
FEWEST_CUTOFFS = 2
"""A test and at least one training snapshot."""


class TooLittleHistoryError(NightjarError):
    """Training was asked for, and the log is too short for the domain's training windows."""


def run(night: Night) -> None:
    """Record tonight's decision."""
    before = night.run_date - timedelta(days=1)
    trained = latest(night.lakehouse, Kind.PROMOTE, until=before)
    last = trained.run_date if trained else None
    due, reason = training_due(night.run_date, last, night.domain.train.every_days, forced=night.force_training)
    promoted = latest_yes(night.lakehouse, Kind.PROMOTE, until=before)
    if promoted and (missing := missing_features(list(promoted.features or []))):
        due, reason = True, f"the champion needs features that this code does not make: {', '.join(missing)}"
    elif trained and (off := sources_behind(trained.features or []) - sources_on(night.domain.sources)):
        due, reason = True, f"the latest ranker learnt from sources that are off now: {', '.join(sorted(off))}"
    if not due and trained and (lost := lost_model(night, trained)):
        due, reason = True, lost
    if not due and trained and night.domain.monitor.retrain:
        alarms = alarms_since(night.lakehouse, trained.run_date - timedelta(days=1), before)
        due, reason = bool(alarms), f"{alarms[0]['measure']} drifted: {alarms[0]['text']}" if alarms else reason
    if due:
        due, reason = enough_history(night, reason)
    tonight = [Decision(Kind.TRAIN, Outcome.YES if due else Outcome.NO, reason)]
    if not due and champion(night.lakehouse, until=before) is None:
        starter = starting_source(night.domain.sources)
        log.warning("%s serves, since no ranker can be trained yet: %s", starter, reason)
        tonight.append(baseline_serves(starter, f"no ranker can be trained yet: {reason}"))
    decisions.record(night, *tonight)


def lost_model(night: Night, trained: RecordedDecision) -> str | None:
    """Which model the registry lost, of the one trained last and the one that serves; None where it has both."""
    before = night.run_date - timedelta(days=1)
    serving = champion(night.lakehouse, until=before)
    known: list[tuple[str | None, datetime | None]] = [(trained.model_version, trained.recorded_at)]
    if serving and source_of(serving) is None:
        known.append((serving, champion_known_at(night.lakehouse, until=before)))
    registry = ModelRegistry(night.settings, night.domain)
    lost = [version for version, known_at in known if version and not registry.has(version, known_at)]
    return f"version {lost[0]} is not in the registry any more" if lost else None


def enough_history(night: Night, reason: str) -> tuple[bool, str]:
    """Whether the log reaches back far enough for the training that is due for this reason, and why it is (not) done.

    Raises TooLittleHistoryError where it does not and training was asked for.
    """
    windows, cutoffs = training_dates(night)
    if len(cutoffs) < FEWEST_CUTOFFS:
        missing = (
            f"the events before {night.run_date} reach back {len(cutoffs)} windows of {windows.days} days, at least"
            f" {FEWEST_CUTOFFS} are needed; run a later date, land older events, or lower train.window_days"
        )
        if night.force_training:
            raise TooLittleHistoryError(f"Can't train: {missing}.")
        return False, missing
    if nobody := nobody_returned(night, windows, cutoffs):
        if night.force_training:
            raise TooLittleHistoryError(f"Can't train: {nobody}.")
        return False, nobody
    if windows.days > LENGTHS[0] and not night.domain.train.window_days:
        reason += f"; label windows have {windows.days} days, since few users come back in less"
    return True, reason


def nobody_returned(night: Night, windows: Windows, cutoffs: list[date]) -> str | None:
    """Why there is nothing to learn from, or to test with, although the log is long enough; None where there is."""
    if night.lakehouse.count(EVENTS) > SPARSE_LOG:
        return None
    window = timedelta(days=windows.days)
    test, *training = (returning_user_count(night, cutoff, cutoff + window) for cutoff in cutoffs)
    if test and any(training):
        return None
    which = "any training window" if test else "the test window"
    return (
        f"in {which} of {windows.days} days nobody came back who had been there before it; wait for users to come back,"
        " or set train.window_days"
    )


def training_due(run_date: date, last: date | None, every_days: int, *, forced: bool) -> tuple[bool, str]:
    """Whether to train, and why: forced, never trained, or the latest training is `every_days` old."""
    if forced:
        return True, "asked for"
    if last is None:
        return True, "no ranker was trained before this date"
    age = (run_date - last).days
    return age >= every_days, f"the latest training is {age} days old; it is due after {every_days}"
