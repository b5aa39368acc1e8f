"""When a night is not as usual: quiet nights are none, and what is planted is found."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.recommender.monitoring.drift import Profile, Shift, Thresholds, judge

FIRST = date(2026, 1, 5)
THRESHOLDS = Thresholds()


def watch(values: list[float], kind: str = "count", users: int = 2_000, explained: str = "") -> list[Shift]:
    """Judge every night of a measure in turn, as nights do."""
    profiles: list[Profile] = []
    shifts: list[Shift] = []
    for number, value in enumerate(values):
        tonight = Profile(FIRST + timedelta(days=number), "events", None, kind, users, float(value))  # type: ignore[arg-type]
        shifts.append(judge(tonight, profiles, shifts, THRESHOLDS, explained))
        profiles.append(tonight)
    return shifts


def weekly(nights: int, seed: int = 1) -> list[float]:
    """Counts with a weekly season, and days that differ by five per cent."""
    generator = np.random.default_rng(seed)
    season = [1000, 1000, 1000, 1100, 1300, 2000, 1800]
    return [season[night % 7] * float(np.exp(generator.normal(0, 0.05))) for night in range(nights)]


def test_a_year_of_weekends_is_no_drift() -> None:
    found = [[shift for shift in watch(weekly(365, seed)) if shift.status == "alarm"] for seed in range(5)]

    assert sum(map(len, found)) <= 1


def test_half_of_the_log_missing_is_an_alarm_at_once_and_a_lasting_third_within_two_nights() -> None:
    quiet = weekly(70)
    assert watch([*quiet, quiet[0] / 2.5])[-1].status == "alarm"
    less = [0.7 * value for value in weekly(73)[70:]]
    assert "alarm" in [shift.status for shift in watch([*quiet, *less])[70:72]]
    assert watch([*quiet, 0.0])[-1].status == "alarm", "nothing at all is no gap"


def test_what_a_person_planned_explains_it_and_few_nights_say_nothing() -> None:
    quiet = weekly(70)

    assert watch([*quiet, quiet[0] / 3], explained="a sale")[-1].status == "explained"
    assert {shift.status for shift in watch(weekly(8))} == {"learning"}


def histograms(nights: int, users: int, shares: list[float], then: list[float], seed: int = 1) -> list[Shift]:
    """Judge histograms of so many events per night, the last three of other shares."""
    generator = np.random.default_rng(seed)
    profiles: list[Profile] = []
    shifts: list[Shift] = []
    for number in range(nights):
        counts = generator.multinomial(users * 3, then if number >= nights - 3 else shares)
        bins = {f"b{k}": int(count) for k, count in enumerate(counts)}
        tonight = Profile(FIRST + timedelta(days=number), "categories", None, "histogram", users, bins=bins)
        shifts.append(judge(tonight, profiles, shifts, THRESHOLDS))
        profiles.append(tonight)
    return shifts


def test_a_category_that_is_gone_is_found_and_named() -> None:
    *_, first, second, _ = histograms(60, 2_000, [0.4, 0.3, 0.2, 0.1], [0.45, 0.35, 0.2, 0.0])

    assert "alarm" in (first.status, second.status)
    assert "'b3'" in first.text


def test_times_an_hour_late_are_found() -> None:
    generator = np.random.default_rng(1)
    shape = np.array([1, 1, 1, 1, 1, 2, 4, 6, 8, 9, 9, 9, 10, 9, 8, 8, 9, 11, 13, 14, 13, 10, 6, 3], dtype=float)
    profiles: list[Profile] = []
    shifts: list[Shift] = []
    for number in range(63):
        shares = np.roll(shape, 1) if number >= 60 else shape
        bins = {str(hour): int(n) for hour, n in enumerate(generator.multinomial(3_000, shares / shares.sum()))}
        tonight = Profile(FIRST + timedelta(days=number), "hours", None, "clock", 2_000, bins=bins)
        shifts.append(judge(tonight, profiles, shifts, THRESHOLDS))
        profiles.append(tonight)

    assert not [shift for shift in shifts[:60] if shift.status == "alarm"]
    assert "alarm" in [shift.status for shift in shifts[60:62]]
    assert "hours later than usual" in shifts[60].text


def test_too_few_users_say_nothing() -> None:
    assert histograms(60, 150, [0.5, 0.5], [1.0, 0.0])[-1].status == "too_few"


@pytest.mark.parametrize("users", [200, 1_000, 5_000])
def test_equal_shares_are_no_drift(users: int) -> None:
    found = histograms(200, users, [0.4, 0.3, 0.2, 0.1], [0.4, 0.3, 0.2, 0.1])

    assert not [shift for shift in found if shift.status == "alarm"]


@given(values=st.lists(st.floats(0, 1e9), min_size=1, max_size=40), kind=st.sampled_from(["count", "share"]))
@settings(max_examples=50, deadline=None)
def test_every_history_can_be_judged(values: list[float], kind: str) -> None:
    if kind == "share":
        values = [value / 1e9 for value in values]
    assert len(watch(values, kind)) == len(values)
