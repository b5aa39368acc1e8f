"""Suites: plain Great Expectations JSON in `expectations/`, one file per table."""

from __future__ import annotations

import json
from pathlib import Path

from great_expectations.core import ExpectationSuite
from great_expectations.exceptions.exceptions import GreatExpectationsError

from spark_jobs.quality.suite_files import SuiteError, suite_file


def load_suite(folder: Path, table: str) -> ExpectationSuite:
    """The suite in `<folder>/<layer>.<table>.json`; raises SuiteError where it can't gate anything."""
    path = suite_file(folder, table)
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
