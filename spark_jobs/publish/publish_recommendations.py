"""Publish the checked lists: what is served is replaced in one commit, and what this date published is kept.

Reads gold.recommendations_staged; writes gold.recommendation_history, gold.recommendations, ops.releases and
ops.decisions. A rerun of a past date never replaces newer lists that are already served.
"""

from __future__ import annotations

import hashlib
from datetime import date

from spark_jobs.lakehouse.night import Night

STAGED, SERVED = "gold.recommendations_staged", "gold.recommendations"


def run(night: Night) -> None:
    """Publish tonight's release."""
    night.require_rows(STAGED, "run the score stage first")
    staged, facts = night.read(STAGED), release_facts(night)
    night.replace("gold.recommendation_history", staged, where=f"run_date = '{night.run_date}'")
    newest = newest_served(night)
    # Lists of a day that has not begun (a wrong clock, a typo before that was refused) must not be served for ever.
    serve = newest is None or newest <= night.run_date or newest > night.domain.tonight()
    if serve:
        night.replace(SERVED, staged)
    night.record("ops.releases", [facts | {"serving": serve}])
    reason = "all checks passed" if serve else f"lists of the later date {newest} are served"
    night.record("ops.decisions", [{"decision": "publish", "outcome": "yes" if serve else "no", "reason": reason}])


def release_facts(night: Night) -> dict[str, object]:
    """What a release is made of: model, users, rows, input versions, domain file and code."""
    counted: dict[str, object] = night.lakehouse.query(
        "SELECT min(release) AS release, min(model_version) AS model_version, count(DISTINCT user_id) AS users, "
        "count(*) AS rows FROM staged",
        staged=(STAGED, night.pin(STAGED)),
    ).to_pylist()[0]
    return counted | {
        "inputs": {name: night.pin(name) for name in ("silver.interactions", "silver.items")},
        "domain_digest": hashlib.sha256(night.domain.model_dump_json().encode()).hexdigest(),
        "code_version": night.code_version,
    }


def newest_served(night: Night) -> date | None:
    """Run date of the lists that are served; None before the first."""
    if not night.lakehouse.exists(SERVED):
        return None
    found = night.lakehouse.query("SELECT max(run_date) AS newest FROM served", served=SERVED)
    newest: date | None = found["newest"][0].as_py()
    return newest
