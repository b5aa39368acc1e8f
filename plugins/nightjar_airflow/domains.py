"""The domains that DAGs are made for."""

from __future__ import annotations

from collections.abc import Iterator

from spark_jobs.contracts.domain import Domain, DomainFileError, load_named
from spark_jobs.contracts.settings import load_settings


def readable_domains() -> Iterator[Domain]:
    """Every domain whose file has no mistakes; of the others the DAG of their night says so."""
    for file in sorted(load_settings().conf_dir.glob("*.yaml")):
        try:
            yield load_named(file)
        except DomainFileError:
            continue
