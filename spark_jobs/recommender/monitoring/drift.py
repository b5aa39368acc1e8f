"""When a night is not as usual: distances from the same weekdays before, and the rule for an alarm.

Tests of significance find a shift every night in enough data. What is unusual here is unusual beside how much quiet
nights differ among themselves, and it has to last, unless it is large (ADR 32).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

import numpy as np

Kind = Literal["count", "share", "histogram", "clock"]
Status = Literal["usual", "unusual", "alarm", "explained", "learning", "too_few"]
WEEKDAYS, FEWEST_WEEKDAYS = 8, 3
"""Same weekdays that a value is compared with, and how many there must be, so that a weekend is no drift."""
NEAREST, FEWEST_NIGHTS = 14, 8
"""Latest nights that stand in for missing weekdays, and how many there must be: fewer are no usual yet."""
POOLED = 4
"""Same weekdays whose histograms are added up to the reference."""
REMEMBERED = 28
"""Nights whose distances say how much quiet nights differ."""
SMALLEST_SPREAD = {"count": 0.05, "share": 0.1}
"""Least standard deviation of a logarithm or a logit: what differs less is never unusual."""
ABOVE_NOISE = 3.0
"""Times what the PSI of two samples of one distribution is on average, which the threshold is at least."""
AT_ONCE = 2.0
"""So many times the thresholds, a night is an alarm by itself."""
LARGE_CHANGE = 0.5
HOURS = 0.5
"""By which the middle of the day's events may move."""


@dataclass(frozen=True)
class Thresholds:
    """What is unusual; the domain file may say otherwise."""

    least_users: int = 200
    shift: float = 0.1
    """Population stability index (PSI) of a histogram."""
    deviation: float = 4.0
    """Robust standard deviations."""
    change: float = 0.2
    """Relative change of a count or a share."""


@dataclass(frozen=True)
class Profile:
    """One measure of one night."""

    run_date: date
    measure: str
    part: str | None
    kind: Kind
    users: int
    value: float | None = None
    bins: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Shift:
    """How far a measure is from what is usual."""

    run_date: date
    measure: str
    part: str | None
    status: Status
    users: int
    text: str
    distance: float | None = None
    deviation: float | None = None
    value: float | None = None
    usual: float | None = None

    @property
    def name(self) -> str:
        """Measure and part."""
        return f"{self.measure} ({self.part})" if self.part else self.measure


def judge(
    tonight: Profile, earlier: Sequence[Profile], shifts: Sequence[Shift], thresholds: Thresholds, explained: str = ""
) -> Shift:
    """How far tonight's profile is from earlier ones of its measure, given what was found in the nights before.

    `explained` says what a person planned for these days; a shift is then no alarm.
    """
    ways = {"histogram": _of_histogram, "clock": _of_clock}
    found = ways.get(tonight.kind, _of_number)(tonight, earlier, shifts, thresholds)
    if found.status != "alarm" and found.status != "unusual":
        return found
    if explained:
        return replace(found, status="explained", text=f"{found.text}; explained by {explained}")
    recent = [one for one in shifts if tonight.run_date - timedelta(days=2) <= one.run_date < tonight.run_date]
    if found.status == "unusual" and any(one.status in ("unusual", "alarm") for one in recent):
        return replace(found, status="alarm", text=f"{found.text}, not for the first time in three nights")
    return found


def _of_number(tonight: Profile, earlier: Sequence[Profile], shifts: Sequence[Shift], thresholds: Thresholds) -> Shift:
    reference = comparable(tonight, earlier, WEEKDAYS)
    values = np.array([one.value for one in reference if one.value is not None])
    blank = Shift(tonight.run_date, tonight.measure, tonight.part, "learning", tonight.users, "", value=tonight.value)
    if tonight.value is None or not len(values):
        return replace(blank, text="too few nights to know what is usual")
    usual = float(np.median(values))
    noise = 1 / np.sqrt(max(usual, 1)) if tonight.kind == "count" else _share_noise(usual, tonight.users)
    scaled = _scaled(values, tonight.kind)
    # Other weekdays differ by the season as well, which a median would not see.
    same = all(one.run_date.weekday() == tonight.run_date.weekday() for one in reference)
    spread = 1.4826 * float(np.median(np.abs(scaled - np.median(scaled)))) if same else float(np.std(scaled))
    spread = max(spread, SMALLEST_SPREAD[tonight.kind], noise)
    distance = float(_scaled(np.array([tonight.value]), tonight.kind)[0] - np.median(scaled)) / spread
    change = abs(tonight.value - usual) / max(usual, 1e-9)
    shown = f"{tonight.value:,.0f}" if tonight.kind == "count" else f"{tonight.value:.1%}"
    of = f"{usual:,.0f}" if tonight.kind == "count" else f"{usual:.1%}"
    found = replace(blank, distance=distance, usual=usual, status="usual", text=f"{shown}, usually {of}")
    far = abs(distance) > thresholds.deviation and change >= thresholds.change
    large = abs(distance) > AT_ONCE * thresholds.deviation and change >= LARGE_CHANGE
    # A share of next to nothing that doubles is next to nothing.
    if tonight.kind == "share" and abs(tonight.value - usual) < SMALLEST_SHARE:
        return found
    return replace(found, status="alarm") if large else replace(found, status="unusual") if far else found


SMALLEST_SHARE = 0.01
"""A share that changes by less is never unusual."""


def _of_histogram(
    tonight: Profile, earlier: Sequence[Profile], shifts: Sequence[Shift], thresholds: Thresholds
) -> Shift:
    blank = Shift(tonight.run_date, tonight.measure, tonight.part, "learning", tonight.users, "")
    reference = comparable(tonight, earlier, POOLED)
    if not reference or not tonight.bins:
        return replace(blank, text="too few nights to know what is usual")
    if tonight.users < thresholds.least_users:
        return replace(blank, status="too_few", text=f"{tonight.users:,} users say too little of a distribution")
    usual: Counter[str] = Counter()
    for one in reference:
        usual.update(one.bins or {})
    distance, bin = stability_index(usual, tonight.bins)
    # Users, and not events: a user's events resemble each other.
    noise = (len({*usual, *tonight.bins}) - 1) * (1 / tonight.users + 1 / sum(one.users for one in reference))
    threshold = max(thresholds.shift, ABOVE_NOISE * noise)
    before = [one.distance for one in _remembered(tonight, shifts) if one.distance is not None]
    deviation = _deviation(np.sqrt(distance), np.sqrt(before), 0.01) if len(before) >= FEWEST_NIGHTS else None
    share, was = tonight.bins.get(bin, 0) / sum(tonight.bins.values()), usual[bin] / max(sum(usual.values()), 1)
    text = f"PSI {distance:.3f}, most at {bin!r}: {share:.1%} instead of {was:.1%}"
    found = replace(blank, status="usual", distance=distance, deviation=deviation, text=text)
    odd = deviation is not None and deviation > thresholds.deviation
    if distance > AT_ONCE * threshold and (odd or deviation is None):
        return replace(found, status="alarm")
    return replace(found, status="unusual") if distance > threshold and odd else found


def _of_clock(tonight: Profile, earlier: Sequence[Profile], shifts: Sequence[Shift], thresholds: Thresholds) -> Shift:
    """Of a histogram of hours: an hour later moves little between bins, and the middle of the day by an hour."""
    blank = Shift(tonight.run_date, tonight.measure, tonight.part, "learning", tonight.users, "")
    reference = comparable(tonight, earlier, POOLED)
    if not reference or not tonight.bins:
        return replace(blank, text="too few nights to know what is usual")
    usual: Counter[str] = Counter()
    for one in reference:
        usual.update(one.bins or {})
    now, was = middle_of_day(tonight.bins), middle_of_day(usual)
    distance = (now - was + 12) % 24 - 12
    before = [one.distance for one in _remembered(tonight, shifts) if one.distance is not None]
    deviation = abs(_deviation(distance, np.array(before), 0.05)) if len(before) >= FEWEST_NIGHTS else None
    text = f"the middle of the day is {abs(distance):.1f} hours {'later' if distance > 0 else 'earlier'} than usual"
    found = replace(blank, status="usual", distance=distance, deviation=deviation, value=now, usual=was, text=text)
    if deviation is None or deviation <= thresholds.deviation or abs(distance) < HOURS:
        return found
    return replace(found, status="alarm" if deviation > AT_ONCE * thresholds.deviation else "unusual")


def middle_of_day(hours: Mapping[str, int]) -> float:
    """Circular mean of the hours, from 0 to 24, so that midnight is no edge.

    >>> round(middle_of_day({"23": 1, "1": 1}) % 24, 6) in (0.0, 24.0), round(middle_of_day({"9": 1, "15": 1}), 6)
    (True, 12.0)
    """
    angles = np.array([float(name) for name in hours]) * 2 * np.pi / 24
    counts = np.array(list(hours.values()), dtype=float)
    return float(np.arctan2(counts @ np.sin(angles), counts @ np.cos(angles)) * 24 / (2 * np.pi) % 24)


def _remembered(tonight: Profile, shifts: Sequence[Shift]) -> list[Shift]:
    since = tonight.run_date - timedelta(days=REMEMBERED)
    return [one for one in shifts if since <= one.run_date < tonight.run_date]


def comparable(tonight: Profile, earlier: Sequence[Profile], most: int) -> list[Profile]:
    """Earlier nights to compare with: the latest of the same weekday, or the latest where those are too few."""
    before = sorted((one for one in earlier if one.run_date < tonight.run_date), key=lambda one: one.run_date)
    same = [one for one in before if one.run_date.weekday() == tonight.run_date.weekday()][-most:]
    if len(same) >= min(FEWEST_WEEKDAYS, most):
        return same
    return before[-NEAREST:] if len(before) >= FEWEST_NIGHTS else []


def stability_index(usual: Mapping[str, int], now: Mapping[str, int]) -> tuple[float, str]:
    """Population stability index between two histograms, and the bin that adds most to it.

    Source: Siddiqi (2006), Credit Risk Scorecards: Σ (q − p) ln(q / p) over the bins. Half a count is added to each,
    so that a bin that one of them lacks does not make it infinite.

    >>> value, bin = stability_index({"a": 50, "b": 50}, {"a": 90, "b": 10})
    >>> round(value, 2), bin
    (0.85, 'b')
    """
    names = sorted({*usual, *now})
    was, is_now = (np.array([counts.get(name, 0) + 0.5 for name in names]) for counts in (usual, now))
    p, q = was / was.sum(), is_now / is_now.sum()
    terms = (q - p) * np.log(q / p)
    return float(terms.sum()), names[int(np.argmax(terms))]


def _deviation(value: float, others: np.ndarray, least: float) -> float:
    """Robust standard deviations of a value from others; their spread is at least `least`."""
    spread = max(1.4826 * float(np.median(np.abs(others - np.median(others)))), least)
    return float((value - np.median(others)) / spread)


def _scaled(values: np.ndarray, kind: Kind) -> np.ndarray:
    if kind == "count":
        return np.asarray(np.log1p(values))
    inside = np.clip(values, 1e-4, 1 - 1e-4)
    return np.asarray(np.log(inside / (1 - inside)))


def _share_noise(share: float, users: int) -> float:
    """Standard deviation of the logit of a share of so many users."""
    inside = min(max(share, 1e-4), 1 - 1e-4)
    return float(1 / np.sqrt(max(users * inside * (1 - inside), 1.0)))
