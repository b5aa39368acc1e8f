"""What an evaluation of a suite comes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Result:
    """The outcome of one expectation."""

    expectation: str
    severity: str
    success: bool
    unexpected: int | None
    examples: str | None

    def sentence(self) -> str:
        """The broken expectation in words, with how many rows break it and some of them."""
        count = f": {self.unexpected:,} rows" if self.unexpected is not None else ""
        return f"{self.expectation}{count}" + (f", such as {self.examples}" if self.examples else "")


@dataclass(frozen=True)
class Outcome:
    """The outcome of a suite: results in words, and Great Expectations' own document for the page."""

    results: list[Result]
    document: Any

    @property
    def broken(self) -> list[Result]:
        """Expectations that do not hold."""
        return [result for result in self.results if not result.success]

    @property
    def critical(self) -> list[Result]:
        """Broken expectations that stop the night."""
        return [result for result in self.broken if result.severity == "critical"]

    @property
    def mark(self) -> str:
        """`passed`, `warnings` or `failed`."""
        if self.critical:
            return "failed"
        return "warnings" if self.broken else "passed"
