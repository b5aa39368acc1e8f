"""The files of the suites, and their identity; without Great Expectations, which takes a second to load."""

from __future__ import annotations

import hashlib
from pathlib import Path

from spark_jobs.contracts.errors import NightjarError


class SuiteError(NightjarError):
    """A suite is missing, empty or not readable; the message names the file."""


def digest(folder: Path, table: str) -> str:
    """Identity of the suite's text; raises SuiteError without one."""
    return hashlib.sha256(suite_file(folder, table).read_bytes()).hexdigest()[:12]


def suite_file(folder: Path, table: str) -> Path:
    """Where the table's suite lies; raises SuiteError without one."""
    path = folder / f"{table}.json"
    if not path.is_file():
        raise SuiteError(f"{path}: no suite for {table}; a gate needs one (copy another suite and adapt it).")
    return path
