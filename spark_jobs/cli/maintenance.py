"""What maintenance did: the table of `nightjar maintain`."""

from __future__ import annotations

from dataclasses import asdict

from rich.console import Console

from spark_jobs.cli.listing import print_json, print_table
from spark_jobs.operations.maintenance import TableMaintenance

FORMATS = {"table": "", "files_before": ",", "files_after": ",", "removed": ","}


def show(tables: list[TableMaintenance], console: Console, *, json: bool = False) -> None:
    """Print files before and after, and how many were deleted, by table."""
    rows = [asdict(one) for one in tables]
    if json:
        print_json(rows)
    else:
        print_table(console, rows, FORMATS)
