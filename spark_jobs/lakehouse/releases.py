"""Releases: what was published, what is served now, and the model behind it; read without a JVM.

`gold.recommendations` is the one truth about what serves: its one commit switches lists and champion together. The
ledger `ops.releases` and the registry's aliases follow it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from spark_jobs.contracts.errors import NightjarError
from spark_jobs.lakehouse.tables import Lakehouse, literal

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
    rows = _rows(
        lakehouse, f"serving AND run_date <= DATE '{until}'", "ORDER BY run_date DESC, recorded_at DESC LIMIT 1"
    )
    return str(rows[0]["model_version"]) if rows else None


def published(lakehouse: Lakehouse, limit: int) -> list[dict[str, Any]]:
    """The latest publications and rollbacks, newest first, as rows of the ledger."""
    return _rows(lakehouse, _NOT_SCORED, f"ORDER BY recorded_at DESC LIMIT {limit}")


def release_named(lakehouse: Lakehouse, name: str) -> dict[str, Any]:
    """The ledger's row of a published release; raises UnknownReleaseError."""
    rows = _rows(lakehouse, f"release = {literal(name)} AND {_NOT_SCORED}", "ORDER BY recorded_at LIMIT 1")
    if not rows:
        known = [str(row["release"]) for row in published(lakehouse, 5)]
        raise UnknownReleaseError(
            f"{lakehouse.domain} has no published release {name!r}; the latest are "
            f"{', '.join(known) or 'none at all'}. See nightjar releases --domain {lakehouse.domain}."
        )
    return rows[0]


def creation_of(lakehouse: Lakehouse, name: str) -> dict[str, Any] | None:
    """What was written down when the release's lists were made."""
    rows = _rows(lakehouse, f"release = {literal(name)} AND kind = '{SCORED}'", "ORDER BY recorded_at DESC LIMIT 1")
    return rows[0] if rows else None


def unpublished(lakehouse: Lakehouse) -> dict[str, Any] | None:
    """What was written down of the staged lists, where they were not published yet."""
    if not lakehouse.count(STAGED):
        return None
    name = str(lakehouse.query("SELECT min(release) AS release FROM staged", staged=STAGED)["release"][0].as_py())
    return None if is_recorded(lakehouse, name) else creation_of(lakehouse, name)


def is_recorded(lakehouse: Lakehouse, name: str) -> bool:
    """Whether the release's publication is in the ledger."""
    return bool(_rows(lakehouse, f"release = {literal(name)} AND {_NOT_SCORED}", "LIMIT 1"))


def oldest_kept(lakehouse: Lakehouse, releases: int) -> date | None:
    """Run date of the oldest of the latest so many releases; None where none was published."""
    days = [row["run_date"] for row in _rows(lakehouse, f"kind = '{PUBLISHED}'", "ORDER BY recorded_at DESC")]
    return min(days[:releases], default=None)


_NOT_SCORED = f"coalesce(kind, '{PUBLISHED}') <> '{SCORED}'"
"""Rows from before there were kinds are publications."""


def _rows(lakehouse: Lakehouse, where: str, rest: str) -> list[dict[str, Any]]:
    if not lakehouse.exists(LEDGER):
        return []
    return list(lakehouse.query(f"SELECT * FROM releases WHERE {where} {rest}", releases=LEDGER).to_pylist())
