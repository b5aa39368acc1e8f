"""`nightjar alerts`: what holds now, as people are told."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

from rich.console import Console

from spark_jobs.cli.listing import print_json
from spark_jobs.contracts.domain import find_domain
from spark_jobs.contracts.settings import Settings
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.notify.causes import causes
from spark_jobs.notify.notices import Change, as_text


def show(settings: Settings, name: str, console: Console, *, json: bool) -> None:
    """Print the notices of a domain."""
    domain = find_domain(settings.conf_dir, name)
    found = causes(Lakehouse.of(settings, domain), domain, datetime.now(UTC))
    if json:
        print_json([asdict(notice) for notice in found])
    elif found:
        console.print(as_text(name, [Change(notice, "firing") for notice in found]), soft_wrap=True, markup=False)
    else:
        console.print(f"Nothing is wrong with {name}.")
