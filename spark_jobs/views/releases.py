"""Releases: what was published and put back, with the quality of the model behind each."""

from __future__ import annotations

from typing import Any

from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers.model_metrics import ndcg_by_version
from spark_jobs.ledgers.releases import ROLLBACK, Serving, published


def release_rows(lakehouse: Lakehouse, now: Serving, limit: int) -> list[dict[str, Any]]:
    """The latest releases, newest first: `new` is the share of first ten places that changed, `state` says the rest."""
    quality = ndcg_by_version(lakehouse)
    rows: list[dict[str, Any]] = []
    for row in published(lakehouse, limit):
        earlier = any(listed["release"] == now.release for listed in rows)
        current = row["release"] == now.release and row["serving"] and not earlier
        state = "serving" if current else "" if row["serving"] else "older than what was served"
        if row["kind"] == ROLLBACK:
            state = f"{state} rollback by {row['by']}: {row['reason']}".strip()
        rows.append(
            {
                "release": row["release"],
                "run_date": row["run_date"],
                "model": row["model_version"],
                "ndcg_at_10": quality.get(row["model_version"]),
                "users": row["users"],
                "rows": row["rows"],
                "new": row["churn"],
                "state": state,
            }
        )
    return rows
