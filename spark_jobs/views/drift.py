"""What of the latest measured nights is not as usual."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers import drift as ledger
from spark_jobs.ledgers.ledger import rows

QUIET = ("usual", "learning", "too_few")


@dataclass(frozen=True)
class ShiftView:
    """One measure of one night."""

    run_date: date
    measure: str
    part: str | None
    status: str
    text: str


def shifts(lakehouse: Lakehouse, limit: int, *, every: bool = False) -> list[ShiftView]:
    """The latest shifts, newest first; `every` measure of the latest night, also those that are as usual."""
    newest = ledger.latest_night(lakehouse)
    if newest is None:
        return []
    quiet = ", ".join(f"'{status}'" for status in QUIET)
    where = f"run_date = DATE '{newest}'" if every else f"status NOT IN ({quiet})"
    found = rows(lakehouse, ledger.DRIFT, where, f"ORDER BY run_date DESC, measure, part LIMIT {limit}")
    names = ("run_date", "measure", "part", "status", "text")
    return [ShiftView(**{name: row[name] for name in names}) for row in found]
