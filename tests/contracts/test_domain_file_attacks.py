"""A domain file with anything wrong gets one clear error with lines; whatever reads domain files says the same."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.contracts.domain import DomainFileError, load_domain
from spark_jobs.operations.domain_check.domain_file import inputs_of, read_file
from spark_jobs.operations.domain_check.report import CheckReport

GOOD = """\
domain: shop
time_zone: Europe/London
schedule: 0 2 * * *
interactions:
  path: events-*.csv
  format: {type: csv, delimiter: ";"}
  columns: {user_id: u, item_id: i, event_type: e, event_at: t}
event_weights:
  buy: 1.0
  view: 0.1
items:
  path: items.csv
  columns: {item_id: i, title: t}
rules:
  already_seen: {buy: hide}
train:
  every_days: 7
recommendations:
  per_user: 20
"""
"""Each case changes one part of it."""

PARTS: list[tuple[str, str, str]] = [
    ("domain: shop", "domain: [shop]", "line 1: domain: Input should be a valid string"),
    ("domain: shop", "domain: 5", "line 1: domain: .*put it in quotes"),
    ("domain: shop", "domain: no", "line 1: domain: .*put it in quotes"),
    ("domain: shop", "domain: Shop", "line 1: domain: "),
    ("domain: shop", "domain: ../shop", "line 1: domain: "),
    ("domain: shop", "domain: other", "line 1: domain: must equal the file's name 'shop'"),
    ("domain: shop", "domain: " + "a" * 64, "line 1: domain: "),
    ("domain: shop", "", "domain: missing"),
    ("domain: shop", "domain: shop\ndomain: shop", "line 2: domain: the same key as in line 1"),
    ("  buy: 1.0\n", "  buy: 1.0\n  buy: 2.0\n", "line 10: event_weights.buy: the same key as in line 9"),
    ("domain: shop", "domain: shop\n---\ndomain: shop", "line 2.*several YAML documents"),
    ("domain: shop", "\tdomain: shop", "line 1.*spaces, not tabs"),
    ("  buy: 1.0", "\tbuy: 1.0", "line 9.*spaces, not tabs"),
    ("domain: shop", "domain: {shop", "line 2, column 10: not readable as YAML"),
    ("domain: shop", 'domain: "shop', "line 6, column 35: not readable as YAML"),
    ("domain: shop", "domain: *shop", "line 1.*undefined alias"),
    ("domain: shop", "domain: &shop [*shop]", "line 1: an anchor that holds itself"),
    ("domain: shop", "domain: !!python/object/apply:os.system ['true']", "line 1.*could not determine a constructor"),
    ("domain: shop", "domain: !!binary '****'", "line 1"),
    ("domain: shop", "? [a, b]\n: c\ndomain: shop", "line 1.*not readable as YAML: .*unhashable key"),
    ("domain: shop", "domain: " + "[" * 5000, "nested too deeply"),
    ("Europe/London", "Mars/Olympus", "line 2: time_zone: expected an IANA time zone"),
    ("Europe/London", "5", "line 2: time_zone: .*quotes"),
    ("Europe/London", "../../etc/passwd", "line 2: time_zone: expected an IANA"),
    ("0 2 * * *", "0 25 * * *", "line 3: schedule: expected a cron expression.*25"),
    ("0 2 * * *", "0 0 30 2 *", "line 3: schedule: expected a cron expression"),
    ("0 2 * * *", "nightly", "line 3: schedule: expected a cron expression"),
    ("0 2 * * *", "a b c d e", "line 3: schedule: expected a cron expression"),
    ("0 2 * * *", "7", "line 3: schedule: .*quotes"),
    ("0 2 * * *", "0 2 * * * *", "line 3: schedule: expected a cron expression of five"),
    ("path: events-*.csv", "path: ''", "line 5: interactions.path: .*at least 1 character"),
    ("path: events-*.csv", "path: 2026-01-01", "line 5: interactions.path: .*put it in quotes"),
    ("  path: events-*.csv\n", "", "line 4: interactions.path: missing"),
    ("type: csv", "type: xml", "line 6: interactions.format.*'csv', 'json', 'parquet'"),
    ("type: csv", "type: [csv]", "line 6: interactions.format"),
    ("type: csv, ", "type: json, ", "line 6: interactions.format.delimiter: unknown key"),
    ('delimiter: ";"', 'delimiter: ""', "line 6: interactions.format.delimiter: "),
    ('delimiter: ";"', "header: maybe", "line 6: interactions.format.header: .*boolean"),
    ('delimiter: ";"', "header: false", "line 6: interactions.format: `names` must list"),
    ('delimiter: ";"', "quote: ''''''", "line 6: interactions.format.quote: .*at most 1 character"),
    ("user_id: u", "user_id: 1", "line 7: interactions.columns.user_id: .*put it in quotes"),
    ("user_id: u, ", "", "interactions.columns.user_id: missing"),
    ("user_id: u", "user_id: u, userid: u", "line 7: interactions.columns.userid: unknown key"),
    ("user_id: u", "user_id: null", "line 7: interactions.columns.user_id: Input should be a valid string"),
    ("buy: 1.0", "buy: high", "line 9: event_weights.buy: .*valid number"),
    ("buy: 1.0", "buy: .nan", "line 9: event_weights.buy: .*finite"),
    ("buy: 1.0", "buy: .inf", "line 9: event_weights.buy: .*finite"),
    ("buy: 1.0\n  view: 0.1", "buy: -1", "line 8: event_weights: at least one weight must be positive"),
    ("  buy: 1.0\n  view: 0.1\n", "  {}\n", "line 8: event_weights: .*at least 1 item"),
    ("  buy: 1.0\n  view: 0.1\n", "  - buy\n", "line 8: event_weights: .*valid dictionary"),
    ("buy: hide", "bought: hide", "line 15: rules.already_seen: 'bought' is not one of event_weights"),
    ("buy: hide", "buy: never", "line 15: rules.already_seen.buy: "),
    ("buy: hide", "buy: {allow_after_days: 0}", "line 15: rules.already_seen.buy.allow_after_days: .*greater than"),
    ("already_seen: {buy: hide}", "pin: [{item: i, place: 21, reason: r}]", "line 15: rules.pin: place 21 is beyond"),
    ("already_seen: {buy: hide}", "pin: [{item: 5, place: 1, reason: r}]", "rules.pin.0.item: .*put it in quotes"),
    ("already_seen: {buy: hide}", "block: [{item: i}]", "line 15: rules.block.0.reason: missing"),
    ("already_seen: {buy: hide}", "block: [{item: i, reason: r, until: 2026-02-30}]", "line 15: .*2026-02-30"),
    ("already_seen: {buy: hide}", "block: [{item: i, reason: r, until: soon}]", "line 15: rules.block.0.until: "),
    ("already_seen: {buy: hide}", "block: {item: i, reason: r}", "line 15: rules.block: .*valid list"),
    ("every_days: 7", "every_days: 0", "line 17: train.every_days: .*greater than or equal to 1"),
    ("every_days: 7", "every_days: 7.5", "line 17: train.every_days: .*integer"),
    ("every_days: 7", "every_days: 1e400", "line 17: train.every_days: "),
    ("every_days: 7", "target_events: [like]", "line 17: train.target_events: 'like' is not one of event_weights"),
    ("every_days: 7", "prefer_smaller: half", "line 17: train.prefer_smaller: .*pattern"),
    ("per_user: 20", "per_user: 501", "line 19: recommendations.per_user: .*500"),
    ("per_user: 20", "new_user_id: ''", "line 19: recommendations.new_user_id: "),
    ("recommendations:", "sources: {magic: 5}\nrecommendations:", "line 18: sources.magic"),
    ("recommendations:", "colour: red\nrecommendations:", "line 18: colour: unknown key"),
    ("items:\n", "items: null\nnothing:\n", "line 11: items: "),
    ("title: t}", "titel: t}", "line 13: items.columns.titel: unknown key"),
]


def mistakes(path: Path, content: str | bytes) -> str:
    """What is said of the file; also by `check-domain`."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DomainFileError) as caught:
        load_domain(path)
    report = CheckReport(path)
    inputs_of(read_file(path, report))
    assert "\n".join(report.problems) == str(caught.value)
    return str(caught.value)


def test_the_file_that_the_cases_change_is_good(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(GOOD)

    assert load_domain(tmp_path / "shop.yaml").domain == "shop"


@pytest.mark.parametrize(("good", "bad", "words"), PARTS, ids=[f"{bad[:40]!r}" for _, bad, _ in PARTS])
def test_a_wrong_part_is_named_with_its_line(tmp_path: Path, good: str, bad: str, words: str) -> None:
    assert GOOD.count(good) == 1

    text = mistakes(tmp_path / "shop.yaml", GOOD.replace(good, bad))

    assert any(re.search(words, line) for line in text.splitlines()), text
    assert "Traceback" not in text
    assert len(text) < 2_000


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "expected a mapping"),
        (b"# only a comment\n", "expected a mapping"),
        (b"- a\n- b\n", "expected a mapping"),
        (b"\x00\x01\x02", "not readable as YAML"),
        (b"domain: caf\xe9\n", "line 1: not UTF-8"),
        (GOOD.encode("utf-16"), "not UTF-8"),
        (b"#" * 10_000_000, "10,000,000 bytes"),
        (
            b"a: &a [x,x,x,x,x,x,x,x,x]\n"
            + b"".join(b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in range(98, 107)),
            "more than 20,000 values",
        ),
    ],
    ids=["empty", "comment", "list", "binary", "latin-1", "utf-16", "10 MB", "aliases of aliases"],
)
def test_a_file_that_is_none_says_what_it_is(tmp_path: Path, content: bytes, words: str) -> None:
    assert words in mistakes(tmp_path / "shop.yaml", content)


def test_a_byte_order_mark_and_anchors_are_fine(tmp_path: Path) -> None:
    text = (
        GOOD.replace("{item_id: i, title: t}", "&c {item_id: i, title: t}") + "users: {path: u, columns: {user_id: u}}"
    )
    (tmp_path / "shop.yaml").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())

    assert load_domain(tmp_path / "shop.yaml").domain == "shop"


def test_what_is_no_file_or_another_kind_of_name(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(DomainFileError, match="not a file"):
        load_domain(tmp_path / "folder.yaml")
    (tmp_path / "shop.yml").write_text(GOOD)
    with pytest.raises(DomainFileError, match=r"must be called shop\.yaml"):
        load_domain(tmp_path / "shop.yml")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(GOOD)
    (tmp_path / "shop.yaml").chmod(0)
    with pytest.raises(DomainFileError, match="Permission denied"):
        load_domain(tmp_path / "shop.yaml")


def test_rules_between_parts_are_told_together_with_mistakes_in_others(tmp_path: Path) -> None:
    text = mistakes(
        tmp_path / "shop.yaml",
        GOOD.replace("Europe/London", "Mars").replace("buy: hide", "bought: hide").replace("every_days: 7", "x: 1"),
    )

    assert [line.split(": ")[1:3] for line in text.splitlines()] == [
        ["line 2", "time_zone"],
        ["line 17", "train.x"],
        ["line 15", "rules.already_seen"],
    ]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=5,
)


@given(part=st.sampled_from(sorted(yaml.safe_load(GOOD))), value=VALUES)
def test_any_value_anywhere_is_taken_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, part: str, value: object
) -> None:
    path = tmp_path_factory.mktemp("conf") / "shop.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(GOOD) | {part: value}), encoding="utf-8")

    try:
        assert load_domain(path).domain == "shop"
    except DomainFileError as error:
        assert error.problems  # noqa: PT017
