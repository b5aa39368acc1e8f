"""Publish the checked lists: what is served is replaced in one commit, and every release is kept.

Reads gold.recommendations_staged; writes gold.recommendation_history, gold.recommendations, ops.releases and
ops.decisions. The commit that replaces what is served is the switch of lists and champion; the registry's aliases
follow it. A rerun of a past date never replaces newer lists that are already served, and a rerun of a release adds
nothing.
"""

from __future__ import annotations

from typing import Any

from spark_jobs.contracts.errors import NightjarError
from spark_jobs.lakehouse.night import Night
from spark_jobs.lakehouse.tables import literal
from spark_jobs.ledgers import decisions, releases
from spark_jobs.ledgers.decisions import Decision, Kind, Outcome
from spark_jobs.ledgers.releases import (
    HISTORY,
    PUBLISHED,
    SERVED,
    STAGED,
    champion,
    creation_of,
    is_recorded,
    serving,
)
from spark_jobs.registry.model_registry import ModelRegistry


class ReleaseUnknownError(NightjarError):
    """The staged lists belong to no release that was written down; the message says what to run."""


def run(night: Night) -> None:
    """Publish tonight's release."""
    night.require_rows(STAGED, "run the publish stage from its start")
    staged, facts = night.read(STAGED), release_facts(night)
    name = facts["release"]
    night.replace(HISTORY, staged, where=f"run_date = '{night.run_date}' AND release = {literal(name)}")
    now = serving(night.lakehouse)
    # Lists of a day that has not begun (a wrong clock, a typo before that was refused) must not be served for ever.
    serve = now is None or now.run_date <= night.run_date or now.run_date > night.domain.tonight()
    churned = churn(night) if now and serve and now.release != name else None
    if serve:
        night.replace(SERVED, staged)
    if not is_recorded(night.lakehouse, name):
        releases.record(night, facts | {"kind": PUBLISHED, "serving": serve, "churn": churned})
    reason = "all checks passed" if serve else f"lists of the later date {now and now.run_date} are served"
    decisions.record(night, Decision(Kind.PUBLISH, Outcome.YES if serve else Outcome.NO, reason))
    ModelRegistry(night.settings, night.domain).follow(champion(night.lakehouse))


def release_facts(night: Night) -> dict[str, Any]:
    """The ledger's row of the staged release: what was written down when it was made, and what it came to."""
    counted = night.lakehouse.query(
        "SELECT min(release) AS release, count(DISTINCT user_id) AS users, count(*) AS rows FROM staged",
        staged=(STAGED, night.read_version(STAGED)),
    ).to_pylist()[0]
    creation = creation_of(night.lakehouse, counted["release"])
    if creation is None:
        raise ReleaseUnknownError(f"Nothing is known of release {counted['release']}: run the publish stage again.")
    return {name: value for name, value in (creation | counted).items() if name not in ("run_date", "recorded_at")}


def churn(night: Night) -> float:
    """Share of tonight's first ten places that hold what the user does not have there now."""
    keys = ["user_id", "item_id"]
    ours, theirs = (night.read(name).where("rank <= 10").select(*keys) for name in (STAGED, SERVED))
    places = ours.count()
    return ours.join(theirs, keys, "left_anti").count() / places if places else 0.0
