"""The domain's lease, for runs of its DAG: all of them, and nights run by hand, exclude each other.

`max_active_runs` holds scheduled and manual runs apart, but Airflow counts backfill runs on their own.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from spark_jobs.contracts.code_version import UncommittedCodeError, require_committed
from spark_jobs.contracts.settings import load_settings
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers import leases

OF_AIRFLOW = "Airflow run "


def take_lease(domain: str, ti: Any, dag_run: Any) -> bool:
    """For a sensor: whether this DAG run may write the domain's tables now; a scheduled one of changed code never."""
    settings = load_settings()
    if dag_run.run_type == "scheduled":
        try:
            require_committed(settings)
        except UncommittedCodeError as error:
            raise AirflowFailException(str(error)) from None

    def ended(holder: str) -> bool:
        run = holder.removeprefix(OF_AIRFLOW)
        active = {"dag_id": ti.dag_id, "run_ids": [run], "states": ["running", "queued"]}
        return run != holder and not ti.get_dr_count(**active)

    ours = leases.Lease.of(OF_AIRFLOW + dag_run.run_id)
    other = leases.take_lease(Lakehouse.of(settings, domain), ours, ended)
    if other:
        print(f"{domain} is being written by {other.holder} since {other.since:%Y-%m-%d %H:%M} UTC")
    return other is None


def release_lease(domain: str, run_id: str) -> None:
    """End the lease of this DAG run."""
    leases.release_lease(Lakehouse.of(load_settings(), domain), OF_AIRFLOW + run_id)
