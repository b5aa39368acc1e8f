"""Suites: plain Great Expectations JSON in `expectations/`, one file per table."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from great_expectations.core import ExpectationSuite
from great_expectations.exceptions.exceptions import GreatExpectationsError


class SuiteError(RuntimeError):
    """A suite is missing, empty or not readable; the message names the file."""


def digest(folder: Path, table: str) -> str:
    """Identity of the suite's text; raises SuiteError without one."""
    return hashlib.sha256(_file(folder, table).read_bytes()).hexdigest()[:12]


def load_suite(folder: Path, table: str) -> ExpectationSuite:
    """The suite in `<folder>/<layer>.<table>.json`; raises SuiteError where it can't gate anything."""
    path = _file(folder, table)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        suite = ExpectationSuite(**content)
    except (ValueError, TypeError, KeyError, GreatExpectationsError) as error:
        raise SuiteError(f"{path}: not a readable Great Expectations suite: {error}") from None
    # Great Expectations drops rules it does not know, with nothing but a log line.
    known = {expectation.expectation_type for expectation in suite.expectations}
    if lost := [one.get("type") for one in content["expectations"] if one.get("type") not in known]:
        raise SuiteError(f"{path}: not a readable Great Expectations suite: unknown or invalid rules {lost}.")
    if not suite.expectations:
        raise SuiteError(f"{path}: the suite has no expectations; an empty gate would pass anything.")
    return suite


def _file(folder: Path, table: str) -> Path:
    path = folder / f"{table}.json"
    if not path.is_file():
        raise SuiteError(f"{path}: no suite for {table}; a gate needs one (copy another suite and adapt it).")
    return path
