"""The label windows that a ranker learns from, on a calendar grid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import gcd

_EPOCH = date(1970, 1, 1)
LENGTHS, ENOUGH = (14, 7, 3), 6
"""Lengths that a window may have where the domain file says none, and how many of it the log has to hold for that."""
LONGER, FEWEST_USERS = (28, 84, 336), 200
"""Lengths for a log in which fewer users than that come back within a shorter window."""
STEPS = 4
"""Steps of the grid in such a longer window, so that no more snapshots are kept than with short ones."""


def sensible_days(history_days: float) -> int:
    """The longest of LENGTHS that the log holds ENOUGH of, or a day.

    >>> sensible_days(90), sensible_days(50), sensible_days(5)
    (14, 7, 1)
    """
    return next((days for days in LENGTHS if days * ENOUGH <= history_days), 1)


@dataclass(frozen=True)
class Windows:
    """Length and number of the training windows; there is one more for the test."""

    days: int
    number: int
    every_days: int
    """Days from one training to the next."""

    @property
    def grid_days(self) -> int:
        """Step of the calendar grid that training cutoffs lie on, so that later trainings find them described."""
        return gcd(self.days, self.every_days)

    def longer(self, days: int) -> Windows:
        """Windows of that length, on a grid that is as coarse as they are long.

        >>> Windows(14, 6, 7).longer(84)
        Windows(days=84, number=6, every_days=21)
        """
        return replace(self, days=days, every_days=max(self.every_days, days // STEPS))

    def on_grid(self, day: date) -> bool:
        """Whether a training cutoff may lie on this day.

        >>> Windows(14, 6, 7).on_grid(date(2026, 11, 26)), Windows(14, 6, 7).on_grid(date(2026, 11, 27))
        (True, False)
        """
        return (day - _EPOCH).days % self.grid_days == 0

    def cutoffs(self, run_date: date) -> list[date]:
        """Dates whose snapshots training needs, newest first: one for the test, then training windows.

        The newest is the latest on the grid whose label window ends by the run date.

        >>> [str(day) for day in Windows(14, 2, 7).cutoffs(date(2026, 11, 30))]
        ['2026-11-12', '2026-10-29', '2026-10-15']
        """
        newest = run_date - timedelta(days=self.days)
        newest -= timedelta(days=(newest - _EPOCH).days % self.grid_days)
        return [newest - timedelta(days=self.days * k) for k in range(self.number + 1)]
