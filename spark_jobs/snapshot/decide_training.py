"""Decide whether the ranker trains tonight, and write down why.

Reads earlier decisions and silver.interactions, writes one row to ops.decisions. Training is due without a
champion, when the latest training is `train.every_days` old, when the champion needs features that the code does not
make any more, or when it is asked for. Only decisions of earlier
run dates count, so that a rerun of a date decides the same.
"""

from __future__ import annotations

from datetime import date, timedelta

from spark_jobs.lakehouse.calendar import training_cuts, windows_of
from spark_jobs.lakehouse.decisions import latest
from spark_jobs.lakehouse.night import Night
from spark_jobs.recommender.ranking.ranker import missing_features

# A test and at least one training snapshot.
FEWEST_CUTS = 2


class TooLittleHistoryError(RuntimeError):
    """The log is too short for the domain's training windows and there is no champion to score with."""


def run(night: Night) -> None:
    """Record tonight's decision."""
    trained = latest(night.lakehouse, "promote", until=night.run_date - timedelta(days=1))
    last = trained.run_date if trained else None
    due, reason = training_due(night.run_date, last, night.domain.train.every_days, forced=night.force_training)
    champion = latest(night.lakehouse, "promote", until=night.run_date - timedelta(days=1), yes=True)
    if champion and (missing := missing_features(champion.features or [])):
        due, reason = True, f"the champion needs features that this code does not make: {', '.join(missing)}"
    cuts = len(training_cuts(night)) if due else FEWEST_CUTS
    if cuts < FEWEST_CUTS:
        days = windows_of(night).days
        reason = (
            f"the events before {night.run_date} reach back {cuts} windows of {days} days, at least {FEWEST_CUTS} are"
            " needed; run a later date, land older events, or lower train.window_days"
        )
        if last is None:
            raise TooLittleHistoryError(f"Can't train a first ranker: {reason}.")
    outcome = "yes" if due and cuts >= FEWEST_CUTS else "no"
    night.record("ops.decisions", [{"decision": "train", "outcome": outcome, "reason": reason}])


def training_due(run_date: date, last: date | None, every_days: int, *, forced: bool) -> tuple[bool, str]:
    """Whether to train, and why: forced, never trained, or the latest training is `every_days` old."""
    if forced:
        return True, "asked for"
    if last is None:
        return True, "no ranker was trained before this date"
    age = (run_date - last).days
    return age >= every_days, f"the latest training is {age} days old; it is due after {every_days}"
