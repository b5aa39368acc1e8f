"""What the jobs of a night cost: the table of `nightjar night --job-costs`, and the demo's three most expensive."""

from __future__ import annotations

from datetime import date

from rich.console import Console

from spark_jobs.cli.listing import print_table
from spark_jobs.contracts.settings import Settings
from spark_jobs.contracts.tables import TABLES
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers import job_costs
from spark_jobs.ledgers.ledger import Row

COSTS = [name for name in TABLES["ops.job_costs"].column_names if name not in ("run_date", "stage", "recorded_at")]


def costs_of(settings: Settings, domain: str, run_date: date) -> list[Row]:
    """Rows of ops.job_costs of the run date's latest run of every job, in the order in which they ran."""
    return job_costs.of_date(Lakehouse.of(settings, domain), run_date)


def show(settings: Settings, domain: str, run_date: date, console: Console) -> None:
    """Print the costs of every job and their sums."""
    rows = costs_of(settings, domain, run_date)
    total = {"job": "sum"} | {name: sum(row[name] for row in rows) for name in COSTS[1:]}
    formats = {name: ".1f" if name.endswith("seconds") else "," for name in COSTS} | {"job": ""}
    print_table(console, [*rows, total], formats)
