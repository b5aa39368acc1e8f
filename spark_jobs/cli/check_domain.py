"""`nightjar check-domain`: all mistakes of a domain file at once, or a sample of what it makes of the landing files."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from spark_jobs.contracts.settings import Settings
from spark_jobs.operations.domain_check.report import CheckReport


def check_domain(path: Path, settings: Settings) -> CheckReport:
    """Check the file at `path` against its landing files. Starts Spark when there are any, so it takes a while."""
    from spark_jobs.operations.domain_check.check import run

    return run(settings, path)


def show(report: CheckReport, console: Console) -> int:
    """Print the report for people; the exit code: 0 when there is nothing to correct."""
    for line in report.problems:
        console.print(f"[red]problem[/red]  {escape(line)}", soft_wrap=True)
    for line in report.warnings:
        console.print(f"[yellow]warning[/yellow]  {escape(line)}", soft_wrap=True)
    for line in report.facts:
        console.print(f"[dim]read[/dim]     {escape(line)}", soft_wrap=True)
    if report.problems:
        console.print(f"{len(report.problems)} to correct in {report.path}.", soft_wrap=True)
        return 1
    for source, (names, rows) in report.samples.items():
        table = Table(*names, title=f"{source}: the first records as Nightjar reads them", title_justify="left")
        for row in rows:
            table.add_row(*[escape(value) for value in row])
        console.print(table)
    console.print(f"{report.path} is good.", soft_wrap=True)
    return 0
