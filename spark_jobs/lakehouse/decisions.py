"""What nights decided, read back from `ops.decisions` without a JVM.

The promotions in it are the one truth about champions; the registry's alias only follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from spark_jobs.lakehouse.tables import Lakehouse, literal


@dataclass(frozen=True)
class Decision:
    """One row of ops.decisions."""

    run_date: date
    yes: bool
    reason: str
    model_version: str | None
    features: list[str] | None


def latest(
    lakehouse: Lakehouse, decision: str, *, on: date | None = None, until: date | None = None, yes: bool = False
) -> Decision | None:
    """The decision of this kind recorded last for the newest run date, or None.

    Only for the run date `on`, only of run dates up to `until`, only those that were `yes`, where given.
    """
    if not lakehouse.exists("ops.decisions"):
        return None
    conditions = [f"decision = {literal(decision)}"]
    conditions += [f"run_date = DATE '{on}'"] if on else []
    conditions += [f"run_date <= DATE '{until}'"] if until else []
    conditions += ["outcome = 'yes'"] if yes else []
    rows = lakehouse.query(
        f"SELECT run_date, outcome, reason, model_version, features FROM decisions WHERE {' AND '.join(conditions)} "
        "ORDER BY run_date DESC, recorded_at DESC LIMIT 1",
        decisions="ops.decisions",
    ).to_pylist()
    return Decision(rows[0]["run_date"], rows[0]["outcome"] == "yes", *list(rows[0].values())[2:]) if rows else None


def decided(lakehouse: Lakehouse, decision: str, run_date: date) -> bool:
    """Whether the run date's latest decision of this kind is yes."""
    found = latest(lakehouse, decision, on=run_date)
    return found is not None and found.yes


def champion(lakehouse: Lakehouse, until: date | None = None) -> str | None:
    """The model version promoted last by nights up to `until`, so that a rerun of a past date finds that date's."""
    found = latest(lakehouse, "promote", until=until, yes=True)
    return found.model_version if found else None
