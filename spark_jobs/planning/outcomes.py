"""Which windows of served lists are over, and not measured yet or not with the truth that is known by now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from spark_jobs.lakehouse.night import Night
from spark_jobs.ledgers import outcomes
from spark_jobs.ledgers.ledger import Row
from spark_jobs.ledgers.releases import served_days
from spark_jobs.planning.training_dates import training_dates

LATE_DAYS = 14
"""Days after a window's end in which late events still correct what it came to."""
SHORT = (1, 7)
"""Days of the windows that are over soon, beside one as long as the label windows, which the promise was made for."""
MOST = 12
"""Windows measured in one night, the newest first: where many are due the others follow in the nights after."""


@dataclass(frozen=True)
class ServedWindow:
    """The days from one on which a release began to serve."""

    release: str
    model_version: str
    previous: str | None
    """Release that served until then."""
    start: date
    days: int
    label_days: int
    """Length of the label windows, of which evaluations promise."""
    truth: str

    @property
    def key(self) -> outcomes.Key:
        """Its place in the ledger."""
        return self.release, self.start, self.days


def windows_due(night: Night) -> list[ServedWindow]:
    """Windows that were over when the night's day began and are to be measured, newest first."""
    windows, _ = training_dates(night)
    lengths = sorted({*SHORT, windows.days})
    served = served_days(night.lakehouse)
    over = [
        (before, now, days)
        for before, now in zip([None, *served], served, strict=False)
        for days in lengths
        if timedelta(days=days) <= night.run_date - now["run_date"] <= timedelta(days=days + LATE_DAYS)
    ]
    if not over:
        return []
    ends = sorted({now["run_date"] + timedelta(days=days) for _, now, days in over})
    truth = night.content_as_of("silver.interactions", "event_at", ends, inclusive=False)
    known = outcomes.truths(night.lakehouse)
    due = [
        _window(before, now, days, windows.days, truth[now["run_date"] + timedelta(days=days)])
        for before, now, days in over
    ]
    changed = [window for window in due if known.get(window.key) != window.truth]
    return sorted(changed, key=lambda window: (window.start, -window.days), reverse=True)[:MOST]


def _window(before: Row | None, now: Row, days: int, label_days: int, truth: str) -> ServedWindow:
    previous = before["release"] if before and before["release"] != now["release"] else None
    return ServedWindow(now["release"], now["model_version"], previous, now["run_date"], days, label_days, truth)
