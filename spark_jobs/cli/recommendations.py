"""`nightjar recommendations`: one user's published list."""

from __future__ import annotations

from dataclasses import asdict

from rich.console import Console
from rich.markup import escape

from spark_jobs.cli.listing import print_table
from spark_jobs.views.user_lists import UserList

FORMATS = {"#": "d", "title": "", "why": "", "score": ".3f", "item_id": "", "sources": ""}


def show(published: UserList, console: Console) -> None:
    """Print the list for people."""
    console.print(
        f"[bold]User {escape(published.user_id)}[/bold] of {published.domain}: release {published.release}, "
        f"run date {published.run_date}, model version {published.model_version}"
    )
    if published.latest_history:
        console.print(f"Latest history: {escape('; '.join(published.latest_history))}")
    rows = [
        {"#": row.rank, **asdict(row), "why": row.reason, "sources": ", ".join(row.sources)}
        for row in published.recommendations
    ]
    print_table(console, rows, FORMATS)
