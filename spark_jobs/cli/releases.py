"""`nightjar releases`: what was published and put back, and what serves now."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from spark_jobs.cli.listing import print_json, print_table
from spark_jobs.contracts.domain import find_domain
from spark_jobs.contracts.settings import Settings
from spark_jobs.lakehouse.tables import Lakehouse, NotWrittenError
from spark_jobs.ledgers.decisions import held_model
from spark_jobs.ledgers.releases import serving
from spark_jobs.views.releases import release_rows

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
