"""DAGs as the DAG catalogue describes them, for the files in `dags/`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, CronDataIntervalTimetable, CronTriggerTimetable, Param
from pendulum import datetime

from spark_jobs.contracts.dag_catalog import DagKind
from spark_jobs.contracts.domain import Domain, DomainFileError, load_named
from spark_jobs.contracts.settings import load_settings


def readable_domains() -> Iterator[Domain]:
    """Every domain whose file has no mistakes; of the others the DAG of their night says so."""
    for file in sorted(load_settings().conf_dir.glob("*.yaml")):
        try:
            yield load_named(file)
        except DomainFileError:
            continue


def domain_dag(kind: DagKind, domain: Domain, *, extra_time: timedelta = timedelta(), **more: Any) -> DAG:
    """The domain's DAG of this kind, without tasks; `extra_time` is added to its timeout."""
    cron = kind.schedule(domain)
    # The end of a night's data interval is its run date.
    timetable = CronDataIntervalTimetable if kind.nightly else CronTriggerTimetable
    limits = {} if kind.max_active_runs is None else {"max_active_runs": kind.max_active_runs}
    arguments: dict[str, Any] = {
        "dag_id": kind.dag_id(domain),
        "schedule": timetable(cron, timezone=domain.time_zone) if cron else None,
        "start_date": datetime(1990, 1, 1, tz=domain.time_zone),
        "catchup": False,
        "is_paused_upon_creation": False if kind.by_hand else None,
        "dagrun_timeout": kind.timeout + extra_time,
        "description": kind.summary.format(domain=domain.domain),
        "doc_md": kind.description,
        "tags": ["nightjar", kind.tag, domain.domain],
        "params": {p.name: Param(p.default, description=p.description, **p.schema) for p in kind.params},
    }
    return DAG(**arguments | limits | more)
