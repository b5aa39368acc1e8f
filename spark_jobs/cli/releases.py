"""`nightjar releases`: what was published and put back, and what serves now."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape

from spark_jobs.cli.listing import print_json, print_table
from spark_jobs.contracts.domain import find_domain
from spark_jobs.contracts.settings import Settings
from spark_jobs.lakehouse.tables import Lakehouse, NotWrittenError
from spark_jobs.ledgers.decisions import held_model
from spark_jobs.ledgers.model_metrics import ndcg_by_version
from spark_jobs.ledgers.releases import ROLLBACK, Serving, published, serving

FORMATS = {
    "release": "",
    "run_date": "",
    "model": "",
    "ndcg_at_10": ".4f",
    "users": ",",
    "rows": ",",
    "new": ".0%",
    "state": "",
}


def show(settings: Settings, domain_name: str, limit: int, console: Console, *, json: bool = False) -> None:
    """Print the latest releases, newest first, with their model's quality; and the model that a person holds."""
    domain = find_domain(settings.conf_dir, domain_name)
    lakehouse = Lakehouse.of(settings, domain)
    now = serving(lakehouse)
    if now is None:
        raise NotWrittenError(f"{domain_name} has published nothing yet; run a night first.")
    rows = release_rows(lakehouse, now, limit)
    if json:
        print_json(rows)
        return
    print_table(console, rows, FORMATS)
    if held := held_model(lakehouse, domain.tonight()):
        console.print(
            f"Held: version {held.model_version} stays until nightjar models promote ({escape(held.reason)})",
            soft_wrap=True,
        )


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
