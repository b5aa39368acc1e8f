"""`ops.releases`: what was published, what is served now, and the model behind it.

`gold.recommendations` is the one truth about what serves: its one commit switches lists and champion together. This
ledger and the registry's aliases follow it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from spark_jobs.contracts.errors import NightjarError
from spark_jobs.lakehouse.run_context import RunContext
from spark_jobs.lakehouse.tables import Lakehouse, literal
from spark_jobs.ledgers.ledger import Row, rows

LEDGER, HISTORY = "ops.releases", "gold.recommendation_history"
STAGED, SERVED = "gold.recommendations_staged", "gold.recommendations"
SCORED, PUBLISHED, ROLLBACK = "scored", "publish", "rollback"
"""Kinds of rows in the ledger: lists were made; they were published; a person put them back."""


class UnknownReleaseError(NightjarError):
    """No release of this name was published; the message names some that were."""


@dataclass(frozen=True)
class Serving:
    """What consumers read now."""

    release: str
    model_version: str
    run_date: date


def record(context: RunContext, row: dict[str, Any]) -> None:
    """Record that a release was scored, published or put back; keys are columns."""
    context.record(LEDGER, [row])


def serving(lakehouse: Lakehouse) -> Serving | None:
    """What is served, from the served table itself; None before the first release."""
    if not lakehouse.count(SERVED):
        return None
    row = lakehouse.query("SELECT release, model_version, run_date FROM served LIMIT 1", served=SERVED).to_pylist()[0]
    return Serving(**row)


def champion(lakehouse: Lakehouse, until: date | None = None) -> str | None:
    """The model version that serves; for a past date the one that served then, so that a rerun finds that date's.

    A name that starts with `source:` is no model but a candidate source that serves for want of a better ranker.
    """
    now = serving(lakehouse)
    if now is None or until is None or now.run_date <= until:
        return now.model_version if now else None
    found = _served_until(lakehouse, until)
    return str(found["model_version"]) if found else None


def _served_until(lakehouse: Lakehouse, until: date) -> Row | None:
    newest = "ORDER BY run_date DESC, recorded_at DESC LIMIT 1"
    found = rows(lakehouse, LEDGER, f"serving AND run_date <= DATE '{until}'", newest)
    return found[0] if found else None


def champion_known_at(lakehouse: Lakehouse, until: date | None = None) -> datetime | None:
    """When the lists of the champion were made; a model that was registered later is not the one that made them."""
    now = serving(lakehouse)
    if now is None or until is None or now.run_date <= until:
        made = creation_of(lakehouse, now.release) if now else None
        return made["recorded_at"] if made else None
    found = _served_until(lakehouse, until)
    return found["recorded_at"] if found else None


def published(lakehouse: Lakehouse, limit: int) -> list[Row]:
    """The latest publications and rollbacks, newest first, as rows of the ledger."""
    return rows(lakehouse, LEDGER, _NOT_SCORED, f"ORDER BY recorded_at DESC LIMIT {limit}")


def served_days(lakehouse: Lakehouse) -> list[Row]:
    """What served from each day on, until the next one, oldest first: rows of the ledger, the last of each run date."""
    latest: dict[date, Row] = {}
    for row in rows(lakehouse, LEDGER, f"serving AND {_NOT_SCORED}"):
        latest[row["run_date"]] = row
    return [latest[day] for day in sorted(latest)]


def release_named(lakehouse: Lakehouse, name: str) -> Row:
    """The ledger's row of a published release; raises UnknownReleaseError."""
    found = rows(lakehouse, LEDGER, f"release = {literal(name)} AND {_NOT_SCORED}", "ORDER BY recorded_at LIMIT 1")
    if not found:
        known = [str(row["release"]) for row in published(lakehouse, 5)]
        raise UnknownReleaseError(
            f"{lakehouse.domain} has no published release {name!r}; the latest are "
            f"{', '.join(known) or 'none at all'}. See nightjar releases --domain {lakehouse.domain}."
        )
    return found[0]


def creation_of(lakehouse: Lakehouse, name: str) -> Row | None:
    """What was recorded when the release's lists were made."""
    found = rows(
        lakehouse, LEDGER, f"release = {literal(name)} AND kind = '{SCORED}'", "ORDER BY recorded_at DESC LIMIT 1"
    )
    return found[0] if found else None


def publication_of(lakehouse: Lakehouse, name: str) -> Row | None:
    """What was recorded when the release was published, or put back last."""
    found = rows(lakehouse, LEDGER, f"release = {literal(name)} AND {_NOT_SCORED}", "ORDER BY recorded_at DESC LIMIT 1")
    return found[0] if found else None


def unpublished(lakehouse: Lakehouse) -> Row | None:
    """What was recorded of the staged lists, where they were not published yet."""
    if not lakehouse.count(STAGED):
        return None
    name = str(lakehouse.query("SELECT min(release) AS release FROM staged", staged=STAGED)["release"][0].as_py())
    return None if is_recorded(lakehouse, name) else creation_of(lakehouse, name)


def is_recorded(lakehouse: Lakehouse, name: str) -> bool:
    """Whether the release's publication is in the ledger."""
    return publication_of(lakehouse, name) is not None


def oldest_kept(lakehouse: Lakehouse, releases: int) -> date | None:
    """Run date of the oldest of the latest so many releases; None where none was published."""
    found = rows(lakehouse, LEDGER, f"kind = '{PUBLISHED}'", f"ORDER BY recorded_at DESC LIMIT {releases}")
    return min((row["run_date"] for row in found), default=None)


_NOT_SCORED = f"coalesce(kind, '{PUBLISHED}') <> '{SCORED}'"
"""Rows from before there were kinds are publications."""
