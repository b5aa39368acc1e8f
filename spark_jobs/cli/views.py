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
from spark_jobs.views.drift import shifts
from spark_jobs.views.nights import last_nights
from spark_jobs.views.outcomes import outcomes_over_time
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
    "outcomes": (
        outcomes_over_time,
        {
            "served_from": "",
            "days": "",
            "model_version": "",
            "users": ",",
            "with_list": ".0%",
            "value": ".4f",
            "low": ".4f",
            "high": ".4f",
            "promised": ".4f",
            "popularity": "",
            "own_history": "",
            "previous": "",
        },
    ),
    "drift": (shifts, {"run_date": "", "measure": "", "part": "", "status": "", "text": ""}),
    "quarantine": (
        refusals,
        {
            "input": "",
            "delivery": "",
            "failed_check": "",
            "records": ",",
            "usual": ",.1f",
            "example": "",
            "batch_id": "",
        },
    ),
}
"""By command the view, and the format of each column shown."""


def show(name: str, settings: Settings, domain: str, limit: int, console: Console, *, json: bool) -> None:
    """Print a view of the domain."""
    view, formats = VIEWS[name]
    found = view(Lakehouse.of(settings, find_domain(settings.conf_dir, domain)), limit)
    if json:
        print_json([asdict(row) for row in found])
    elif found:
        print_table(console, [asdict(row) | _in_words(row) for row in found], formats)
    else:
        console.print(f"{domain} has nothing to show here yet.")


def _in_words(row: Any) -> dict[str, str]:
    """Comparisons as a difference with what could be told apart at all."""
    compared = {name: getattr(row, name) for name in ("popularity", "own_history", "previous") if hasattr(row, name)}
    return {
        name: f"{one.difference:+.4f} ±{one.visible:.4f} {one.verdict}" if one else "" for name, one in compared.items()
    }
