"""Decide whether the ranker trains tonight, and write down why.

Reads earlier decisions and silver.interactions, writes ops.decisions. Training is due without a champion, when the
latest training is `train.every_days` old or learnt from sources that the domain has switched off since, when the
champion needs features that the code does not make any more, or when it is asked for. Only decisions of earlier run
dates count, so that a rerun of a date decides the same. Until the log is long enough for a first training a source
serves, which is decided here as well.
"""

from __future__ import annotations

import logging
from datetime import date, timedelta

from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.domain.windows import LENGTHS
from spark_jobs.contracts.errors import NightjarError
from spark_jobs.lakehouse.night import Night
from spark_jobs.ledgers import decisions
from spark_jobs.ledgers.decisions import Decision, Kind, Outcome, baseline_serves, latest, latest_yes
from spark_jobs.ledgers.releases import champion
from spark_jobs.planning.training_dates import training_dates
from spark_jobs.recommender.features.vocabulary import sources_behind
from spark_jobs.recommender.ranking.ranker import missing_features
from spark_jobs.recommender.sources import SOURCES, sources_on

log = logging.getLogger("nightjar")
FEWEST_CUTOFFS = 2
"""A test and at least one training snapshot."""
STARTERS = ("category_popularity", "popularity")
"""What serves a shop that is too young to train, the first of them that is on: they have a list for everybody, and the
first goes by what a user leans to."""


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
    if due:
        due, reason = enough_history(night, reason)
    tonight = [Decision(Kind.TRAIN, Outcome.YES if due else Outcome.NO, reason)]
    if not due and last is None and champion(night.lakehouse, until=before) is None:
        starter = starting_source(night.domain)
        log.warning("%s serves, since no ranker can be trained yet: %s", starter, reason)
        tonight.append(baseline_serves(starter, f"no ranker can be trained yet: {reason}"))
    decisions.record(night, *tonight)


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
    if windows.days > LENGTHS[0] and not night.domain.train.window_days:
        reason += f"; label windows have {windows.days} days, since few users come back in less"
    return True, reason


def starting_source(domain: Domain) -> str:
    """The source that serves until a ranker can be trained: the first of STARTERS that is on, else of all sources."""
    on = sources_on(domain.sources)
    return next(name for name in (*STARTERS, *SOURCES) if name in on)


def training_due(run_date: date, last: date | None, every_days: int, *, forced: bool) -> tuple[bool, str]:
    """Whether to train, and why: forced, never trained, or the latest training is `every_days` old."""
    if forced:
        return True, "asked for"
    if last is None:
        return True, "no ranker was trained before this date"
    age = (run_date - last).days
    return age >= every_days, f"the latest training is {age} days old; it is due after {every_days}"
