"""DAGs as the DAG catalogue describes them, for the files in `dags/`."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, CronDataIntervalTimetable, CronTriggerTimetable, Param
from pendulum import datetime

from spark_jobs.contracts.dag_catalog import DagKind
from spark_jobs.contracts.domain import Domain, DomainFileError, domain_files, load_domain
from spark_jobs.contracts.settings import load_settings


def dags_of(build: Callable[[Domain], DAG], instead: Callable[[Path, str], DAG] | None = None) -> dict[str, DAG]:
    """The DAG of every domain by its id; `instead` makes the one that stands in for a domain that has none.

    Whatever is wrong with one domain is its own: what its file or its DAG raises here would take the DAGs of all
    domains down, and so would a DAG that Airflow refuses later (`DAG.validate`).
    """
    dags, broken = {}, []
    for path in domain_files(load_settings().conf_dir):
        try:
            dag = build(load_domain(path))
            dag.validate()  # type: ignore[no-untyped-call]
            dags[dag.dag_id] = dag
        except DomainFileError as error:
            broken.append((path, str(error)))
        except Exception:  # a bug, confined to the domain that shows it
            broken.append((path, traceback.format_exc()))
    if instead:
        stand_ins = [instead(path, message) for path, message in broken]
        dags = {dag.dag_id: dag for dag in stand_ins} | dags
    return dags


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
    owned = {"owner": "nightjar"} | more.pop("default_args", {})
    return DAG(**arguments | limits | more, default_args=owned)
