"""Views as tables or JSON: `nightjar nights`, `nightjar quality`, `nightjar quarantine`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console

from spark_jobs.cli.listing import print_json, print_table
from spark_jobs.contracts.domain import find_domain
from spark_jobs.contracts.settings import Settings
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.views.nights import last_nights
from spark_jobs.views.quality import quality_over_time
from spark_jobs.views.quarantine import refusals

View = Callable[[Lakehouse, int], Sequence[Any]]
VIEWS: dict[str, tuple[View, dict[str, str]]] = {
    "nights": (
        last_nights,
        {"run_date": "", "status": "", "seconds": ",.0f", "trained": "", "release": "", "users": ",", "error": ""},
    ),
    "quality": (
        quality_over_time,
        {
            "run_date": "",
            "model_version": "",
            "users": ",",
            "ranker": ".4f",
            "low": ".4f",
            "high": ".4f",
            "best_baseline": "",
            "baseline": ".4f",
            "champion": ".4f",
        },
    ),
    "quarantine": (
        refusals,
        {"input": "", "delivery": "", "failed_check": "", "records": ",", "example": "", "batch_id": ""},
    ),
}
"""By command the view, and the format of each column shown."""


def show(name: str, settings: Settings, domain: str, limit: int, console: Console, *, json: bool) -> None:
    """Print a view of the domain."""
    view, formats = VIEWS[name]
    rows = [asdict(row) for row in view(Lakehouse.of(settings, find_domain(settings.conf_dir, domain)), limit)]
    if json:
        print_json(rows)
    elif rows:
        print_table(console, rows, formats)
    else:
        console.print(f"{domain} has nothing to show here yet.")
