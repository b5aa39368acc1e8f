"""How much a night has to do, as far as that can be told before Spark is there."""

from __future__ import annotations

from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.settings import Settings
from spark_jobs.contracts.storage import landing_location
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.landing.listing import list_files

BYTES_PER_EVENT = 25
"""Of a landing file: a line of CSV with two ids, a value and a time."""


def likely_events(settings: Settings, domain: Domain) -> int:
    """Events that the domain has, or will have once its landing files are in: the larger, files by their size."""
    landed = list_files(landing_location(settings), domain.interactions.path)
    of_files = sum(file.size for file in landed) // BYTES_PER_EVENT
    return max(of_files, Lakehouse.of(settings, domain).count("bronze.interactions"))
