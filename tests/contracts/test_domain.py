"""Domain files: all mistakes at once, clear words, and the rules of time."""

from __future__ import annotations

import itertools
import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.contracts.domain import Domain, DomainFileError, find_domain, load_domain
from spark_jobs.contracts.domain.policies import OFF_BY_DEFAULT, CandidateSource
from spark_jobs.contracts.domain.windows import Windows
from spark_jobs.contracts.settings import PROJECT_ROOT
from tests.nights import SHOP

GOOD = {
    "domain": "shop",
    "interactions": {"path": "x.csv", "columns": dict.fromkeys(("user_id", "item_id", "event_type", "event_at"), "c")},
    "event_weights": {"buy": 1.0, "view": 0.1, "return": -1.0},
    "items": {"from_interactions": {}},
}


@pytest.mark.parametrize("path", sorted((PROJECT_ROOT / "conf").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_domains_are_good(path: Path) -> None:
    assert find_domain(path.parent, path.stem).domain == path.stem


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(
        "domain: My Shop\ntime_zone: Mars/Olympus\nschedule: nightly\ncolour: red\n"
        "interactions: {path: x.csv, format: {type: xml}, columns: {user_id: u}}\nevent_weights: {}\n"
    )

    with pytest.raises(DomainFileError) as caught:
        load_domain(file)

    text = str(caught.value)
    for key in ("domain:", "time_zone:", "schedule:", "colour: unknown key", "interactions.format", "items: missing"):
        assert key in text

    assert "interactions.columns.item_id: missing" in text
    assert text.count("Mars/Olympus") == 1
    assert text.count(str(file)) == len(caught.value.problems)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rules": {"already_seen": {"bought": "hide"}}}, "rules.already_seen: 'bought' is not one of event_weights"),
        ({"train": {"target_events": ["like"]}}, "train.target_events: 'like' is not one of event_weights"),
        ({"event_weights": {"buy": -1}}, "at least one weight must be positive"),
    ],
)
def test_event_types_must_agree(tmp_path: Path, change: dict[str, object], words: str) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(yaml.safe_dump({**GOOD, **change}))

    with pytest.raises(DomainFileError, match=words):
        load_domain(file)


def test_a_mistake_in_the_catalogue_is_reported_once(tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(yaml.safe_dump({**GOOD, "items": {"from_interactions": {"titel": "x"}}}))

    with pytest.raises(DomainFileError) as caught:
        load_domain(file)
    (problem,) = caught.value.problems
    assert problem.endswith("items.from_interactions.titel: unknown key; remove it or correct its spelling")


def test_policies_and_targets_have_sensible_defaults() -> None:
    domain = Domain.model_validate(
        {**GOOD, "rules": {"already_seen": {"view": "allow", "buy": {"allow_after_days": 7}}}}
    )

    assert domain.hidden_days("return") == math.inf
    assert domain.hidden_days("view") == 0
    assert domain.hidden_days("buy") == 7
    assert domain.target_events == ["buy", "view"]


def test_a_domain_needs_a_source_that_is_on() -> None:
    off = dict.fromkeys((name for name in get_args(CandidateSource) if name not in OFF_BY_DEFAULT), 0)

    with pytest.raises(ValueError, match="sources: at least one must propose items"):
        Domain.model_validate({**GOOD, "sources": off})

    for name in get_args(CandidateSource):
        assert Domain.model_validate({**GOOD, "sources": {**off, name: 10}}).sources[name] == 10


def test_a_missing_domain_names_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "books.yaml").touch()
    with pytest.raises(DomainFileError, match=r"no domain file for 'shop'.*books"):
        find_domain(tmp_path, "shop")


@given(st.dates(date(1990, 1, 1), date(2080, 1, 1)), st.sampled_from(["UTC", "Europe/London", "Asia/Kolkata"]))
def test_a_night_starts_at_local_midnight(day: date, zone: str) -> None:
    domain = Domain.model_validate({**GOOD, "time_zone": zone})
    start = domain.start_of(day)

    assert (start.hour, start.minute, start.date()) == (0, 0, day)
    assert abs(start - datetime(day.year, day.month, day.day, tzinfo=UTC)) < timedelta(hours=15)


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 30), st.dates(date(1990, 1, 1), date(2080, 1, 1)))
def test_label_windows_lie_on_the_grid_and_never_reach_beyond_the_run_date(
    window_days: int, windows: int, every_days: int, run_date: date
) -> None:
    found = Windows(window_days, windows, every_days)
    cutoffs = found.cutoffs(run_date)

    assert len(cutoffs) == windows + 1
    assert all(found.on_grid(cutoff) for cutoff in cutoffs)
    assert timedelta(0) <= run_date - (cutoffs[0] + timedelta(days=window_days)) < timedelta(days=found.grid_days)
    assert all(a - b == timedelta(days=window_days) for a, b in itertools.pairwise(cutoffs))


@given(st.integers(1, 30), st.integers(1, 8), st.integers(1, 8), st.dates(date(1990, 1, 1), date(2080, 1, 1)))
def test_a_later_training_finds_all_but_few_cuts_described(
    every_days: int, steps: int, windows: int, run_date: date
) -> None:
    """Trainings every `every_days` with windows of some times as much: only the newest cutoff is new."""
    found = Windows(every_days * steps, windows, every_days)
    before = {
        cutoff for k in range(1, steps + 1) for cutoff in found.cutoffs(run_date - timedelta(days=every_days * k))
    }

    assert set(found.cutoffs(run_date)) - before == {found.cutoffs(run_date)[0]}


@given(st.floats(0, 1000))
def test_windows_are_as_long_as_the_log_allows_unless_the_domain_says_how_long(history_days: float) -> None:
    found = Domain.model_validate(SHOP).windows(history_days)

    assert found.days in (1, 3, 7, 14)
    assert found.days == 1 or found.days * 6 <= history_days

    longer = [days for days in (3, 7, 14) if days > found.days]

    assert not longer or longer[0] * 6 > history_days

    told = Domain.model_validate(SHOP | {"train": {"window_days": 5}}).windows(history_days)

    assert told.days == 5


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"block": [{"reason": "x"}]}, "name either an item or a category"),
        ({"block": [{"item": "i", "category": "c", "reason": "x"}]}, "name either an item or a category"),
        ({"block": [{"item": "i", "reason": ""}]}, "at least 1 character"),
        ({"pin": [{"category": "c", "place": 1, "reason": "x"}]}, "a pin names an item"),
        ({"pin": [{"item": i, "place": 1, "reason": "x"} for i in "ab"]}, "several items for place 1"),
        ({"pin": [{"item": "i", "place": 21, "reason": "x"}]}, "place 21 is beyond recommendations.per_user"),
        ({"boost": [{"item": "i", "by": 9, "reason": "x"}]}, "less than or equal to 5"),
        ({"block": [{"item": "i", "reason": "x", "since": "2026-01-02", "until": "2026-01-02"}]}, "would never hold"),
    ],
)
def test_rules_about_lists_are_refused_with_their_mistake(rules: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Domain.model_validate(SHOP | {"rules": rules})


def test_a_smaller_model_is_preferred_by_a_share_and_needs_time_to_be_found() -> None:
    train = Domain.model_validate(SHOP | {"train": {"prefer_smaller": "0.5%"}}).train

    assert train.most_loss == pytest.approx(0.005)
    with pytest.raises(ValueError, match="should match pattern"):
        Domain.model_validate(SHOP | {"train": {"prefer_smaller": "half"}})
    with pytest.raises(ValueError, match="needs compare_seconds"):
        Domain.model_validate(SHOP | {"train": {"prefer_smaller": "1%", "compare_seconds": 0}})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("recommendations: {newcomer_id: anybody}", "recommendations.newcomer_id: .*recommendations.new_user_id"),
        ("sources: {linear: 10}", "sources.linear: .*sources.ease"),
    ],
)
def test_a_key_that_was_renamed_is_refused_with_its_new_name(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "retail.yaml"
    path.write_text((PROJECT_ROOT / "conf" / "retail.yaml").read_text() + f"\n{old}\n")

    with pytest.raises(DomainFileError, match=new):
        load_domain(path)
