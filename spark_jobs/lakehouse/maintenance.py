"""Keep tables small and quick: few files, no versions beyond retention; by delta-rs, without a JVM."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from spark_jobs.contracts.code_version import code_version
from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.settings import Settings
from spark_jobs.contracts.tables import TABLES
from spark_jobs.lakehouse.checks import carry_over
from spark_jobs.lakehouse.leases import LEASES, Lease, hold_lease
from spark_jobs.lakehouse.releases import HISTORY, oldest_kept
from spark_jobs.lakehouse.tables import Lakehouse


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
    lakehouse, started = Lakehouse.of(settings, domain), datetime.now(UTC)
    metadata = {"run_date": str(domain.tonight()), "code_version": code_version(settings)}
    with hold_lease(lakehouse, Lease.of_this_process("maintenance")):
        names = [name for name in TABLES if lakehouse.exists(name)]
        kept = oldest_kept(lakehouse, domain.recommendations.kept_releases)
        retention_days = max(settings.retention_days, (domain.tonight() - kept).days + 2 if kept else 0)
        if HISTORY in names and settings.history_days:
            oldest = min(domain.tonight() - timedelta(days=settings.history_days), kept or domain.tonight())
            lakehouse.delete(HISTORY, f"run_date < DATE '{oldest}'", metadata)
        tables = [_maintain_table(lakehouse, name, retention_days, metadata) for name in names]
        run = {"run_date": domain.tonight(), "stage": "maintain", "job": "maintain", "status": "succeeded"}
        run |= {"seconds": (datetime.now(UTC) - started).total_seconds(), "code_version": metadata["code_version"]}
        run |= {"inputs": {}, "outputs": {name: lakehouse.version(name) for name in names if name != LEASES}}
        lakehouse.append("ops.runs", [run | {"recorded_at": datetime.now(UTC)}], metadata)
    return tables


def _maintain_table(lakehouse: Lakehouse, name: str, retention_days: int, metadata: dict[str, str]) -> TableMaintenance:
    version, before = lakehouse.version(name), lakehouse.file_count(name)
    # Its holder renews it meanwhile, and it has one row.
    if name != LEASES:
        lakehouse.compact(name, metadata)
    if (compacted := lakehouse.version(name)) != version:
        carry_over(lakehouse, name, version, compacted, metadata)
    removed = lakehouse.vacuum(name, retention_days)
    return TableMaintenance(name, before, lakehouse.file_count(name), removed)
