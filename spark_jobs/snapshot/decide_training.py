"""Decide whether the ranker trains tonight, and write down why.

Reads earlier decisions and silver.interactions, writes one row to ops.decisions. Training is due without a
champion, when the latest training is `train.every_days` old, or when it is asked for. Only decisions of earlier
run dates count, so that a rerun of a date decides the same.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import functions as F

from spark_jobs.lakehouse.night import Night

# A test and at least one training snapshot.
FEWEST_CUTS = 2


class TooLittleHistoryError(RuntimeError):
    """The log is too short for the domain's training windows and there is no champion to score with."""


def run(night: Night) -> None:
    """Record tonight's decision."""
    last = last_training(night)
    due, reason = training_due(night.run_date, last, night.domain.train.every_days, forced=night.force_training)
    cuts = len(night.training_cuts()) if due else FEWEST_CUTS
    if cuts < FEWEST_CUTS:
        days = night.domain.train.window_days
        reason = (
            f"the events before {night.run_date} reach back {cuts} windows of {days} days, at least {FEWEST_CUTS} are"
            " needed; run a later date, land older events, or lower train.window_days"
        )
        if last is None:
            raise TooLittleHistoryError(f"Can't train a first ranker: {reason}.")
    outcome = "yes" if due and cuts >= FEWEST_CUTS else "no"
    night.record("ops.decisions", [{"decision": "train", "outcome": outcome, "reason": reason}])


def last_training(night: Night) -> date | None:
    """Run date of the latest training before tonight that led to a promotion decision."""
    trained = night.read("ops.decisions").where(
        (F.col("decision") == "promote") & (F.col("run_date") < F.lit(night.run_date))
    )
    row = trained.agg(F.max("run_date").alias("run_date")).first()
    return row["run_date"] if row else None


def training_due(run_date: date, last: date | None, every_days: int, *, forced: bool) -> tuple[bool, str]:
    """Whether to train, and why: forced, never trained, or the latest training is `every_days` old."""
    if forced:
        return True, "asked for"
    if last is None:
        return True, "no ranker was trained before this date"
    age = (run_date - last).days
    return age >= every_days, f"the latest training is {age} days old; it is due after {every_days}"
