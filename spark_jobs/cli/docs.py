"""`nightjar docs`: reference pages and the JSON schema of domain files, made from the code so that they can't drift."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from spark_jobs.cli.reference import (
    dags_page,
    domain_file_page,
    drift_page,
    expectations_page,
    features_page,
    jobs_page,
    metrics_page,
    settings_page,
    tables_page,
    variants_page,
)
from spark_jobs.contracts.settings import PROJECT_ROOT

GENERATED: dict[str, Callable[[], str]] = {
    "conf/domain.schema.json": domain_file_page.schema,
    "docs/reference/dags.md": dags_page.page,
    "docs/reference/domain-file.md": domain_file_page.page,
    "docs/reference/drift.md": drift_page.page,
    "docs/reference/expectations.md": expectations_page.page,
    "docs/reference/features.md": features_page.page,
    "docs/reference/jobs.md": jobs_page.page,
    "docs/reference/metrics.md": metrics_page.page,
    "docs/reference/settings.md": settings_page.page,
    "docs/reference/tables.md": tables_page.page,
    "docs/reference/variants.md": variants_page.page,
}
"""Files below the project's root with the function that makes the text of each."""


def stale_files(root: Path = PROJECT_ROOT) -> dict[str, str]:
    """Generated files whose text on disk is not what the code says, with the right text."""
    wanted = {name: make() for name, make in GENERATED.items()}
    return {
        name: text
        for name, text in wanted.items()
        if not (root / name).is_file() or (root / name).read_text(encoding="utf-8") != text
    }


def run_docs(*, check: bool, console: Console, root: Path = PROJECT_ROOT) -> int:
    """Write the stale files, or with `check` only name them; the exit code is 1 for stale files under `check`."""
    stale = stale_files(root)
    if check and stale:
        console.print(f"Not what the code says: {', '.join(stale)}. Run `make docs` and commit them.", soft_wrap=True)
        return 1
    for name, text in stale.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
        console.print(f"wrote {name}")
    if not stale:
        console.print("Reference pages are what the code says.")
    return 0
