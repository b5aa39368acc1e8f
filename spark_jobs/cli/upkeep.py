"""What maintenance did: the table of `nightjar maintain`."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from spark_jobs.lakehouse.maintenance import Upkeep


def show(done: list[Upkeep], console: Console) -> None:
    """Print files before and after, and how many were deleted, by table."""
    table = Table("table", "files before", "after", "deleted", box=None, pad_edge=False)
    for one in done:
        table.add_row(one.table, *[f"{number:,}" for number in (one.files_before, one.files_after, one.removed)])
    console.print(table)
