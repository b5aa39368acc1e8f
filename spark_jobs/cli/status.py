"""`nightjar status`: every domain in a line, for people and scripts."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

from rich.console import Console

from spark_jobs.cli.listing import print_json, print_table
from spark_jobs.contracts.domain import DomainFileError, domain_files, load_domain
from spark_jobs.contracts.settings import Settings
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.notify.causes import causes
from spark_jobs.notify.notices import Severity
from spark_jobs.views.status import status_of

FORMATS = {
    "domain": "",
    "night": "",
    "run_date": "",
    "lists_of": "",
    "model_version": "",
    "users": ",",
    "critical": "",
    "warnings": "",
}


def show(settings: Settings, only: str | None, console: Console, *, json: bool) -> int:
    """Print every domain's status; 1 where something critical holds or a domain file has mistakes."""
    rows, wrong = [], False
    for path in domain_files(settings.conf_dir):
        if only not in (None, path.stem):
            continue
        try:
            domain = load_domain(path)
        except DomainFileError as error:
            rows.append({"domain": path.stem, "night": "domain file has mistakes", "critical": str(error)[:120]})
            wrong = True
            continue
        lakehouse = Lakehouse.of(settings, domain)
        notices = causes(lakehouse, domain, datetime.now(UTC))
        critical = [notice.title for notice in notices if notice.severity == Severity.CRITICAL]
        warnings = [notice.title for notice in notices if notice.severity == Severity.WARNING]
        wrong = wrong or bool(critical)
        titles = {"critical": "; ".join(critical), "warnings": "; ".join(warnings)}
        rows.append(asdict(status_of(lakehouse, domain)) | titles)
    if json:
        print_json(rows)
    elif rows:
        print_table(console, rows, FORMATS)
    else:
        console.print(f"No domain file in {settings.conf_dir}." if only is None else f"No domain {only}.")
    return int(wrong or not rows)
