"""Keep tables small and quick: few files, no versions beyond retention; by delta-rs, without a JVM."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta

from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.settings import Settings
from spark_jobs.contracts.tables import TABLES
from spark_jobs.lakehouse.run_context import RunContext
from spark_jobs.ledgers import runs
from spark_jobs.ledgers.leases import LEASES, Lease, hold_lease
from spark_jobs.ledgers.quality_results import carry_over
from spark_jobs.ledgers.releases import HISTORY, oldest_kept
from spark_jobs.ledgers.runs import JobRun


@dataclass(frozen=True)
class TableMaintenance:
    """What was done for a table: data files before and after compaction, and files that no version needs any more."""

    table: str
    files_before: int
    files_after: int
    removed: int


def maintain(settings: Settings, domain: Domain) -> list[TableMaintenance]:
    """Compact and vacuum every table of the domain, and drop lists published before the history that is kept.

    What the domain's latest `recommendations.kept_releases` were made of stays, whatever its age.

    Holds the domain's lease meanwhile; raises LeaseTakenError while a night runs.
    """
    context, started = RunContext.tonight(settings, domain), time.monotonic()
    lakehouse = context.lakehouse
    with hold_lease(lakehouse, Lease.of_this_process("maintenance")):
        names = [name for name in TABLES if lakehouse.exists(name)]
        kept = oldest_kept(lakehouse, domain.recommendations.kept_releases)
        retention_days = max(settings.retention_days, (domain.tonight() - kept).days + 2 if kept else 0)
        if HISTORY in names and settings.history_days:
            oldest = min(domain.tonight() - timedelta(days=settings.history_days), kept or domain.tonight())
            context.delete(HISTORY, f"run_date < DATE '{oldest}'")
        tables = [_maintain_table(context, name, retention_days) for name in names]
        versions = {name: lakehouse.version(name) for name in names if name != LEASES}
        seconds = time.monotonic() - started
        runs.record(context, [JobRun("maintain", "maintain", "succeeded", seconds, outputs=versions)])
    return tables


def _maintain_table(context: RunContext, name: str, retention_days: int) -> TableMaintenance:
    lakehouse = context.lakehouse
    version, before = lakehouse.version(name), lakehouse.file_count(name)
    # Its holder renews it meanwhile, and it has one row.
    if name != LEASES:
        lakehouse.keep_log(name, retention_days)
        lakehouse.compact(name, context.metadata)
    if (compacted := lakehouse.version(name)) != version:
        carry_over(context, name, version, compacted)
    removed = lakehouse.vacuum(name, retention_days)
    return TableMaintenance(name, before, lakehouse.file_count(name), removed)
