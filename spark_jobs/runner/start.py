"""Start a night or one of its stages by name: what the command line and spark-submit call."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date

from spark_jobs.contracts.domain import Domain, find_domain
from spark_jobs.contracts.errors import NightjarError
from spark_jobs.contracts.job_catalog import NIGHT, STAGES, Stage
from spark_jobs.contracts.settings import load_settings
from spark_jobs.lakehouse.night import Night
from spark_jobs.lakehouse.spark_session import spark_session
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers.leases import Lease, hold_lease
from spark_jobs.ledgers.releases import release_named
from spark_jobs.notify.tell import tell_safely
from spark_jobs.runner.run import Progress, module_of, run_night, run_stage
from spark_jobs.runner.workload import likely_events


class FutureNightError(NightjarError):
    """A run date lies beyond tonight; the message says how far there is."""


def print_progress(stage: str, job: str) -> None:
    """Progress as lines of text."""
    print(f"{stage}: {job}", flush=True)


def stage(
    domain: str,
    run_date: date,
    name: str,
    *,
    force_training: bool = False,
    lease: str | None = None,
    progress: Progress = print_progress,
) -> None:
    """Run one stage in this process's Spark session; `lease` names the run of several stages that holds the lease."""
    ours = Lease.of(lease) if lease else Lease.of_this_process(f"stage {name} of {run_date}")
    with hold_lease(_lakehouse(domain, run_date), ours, keep=lease is not None):
        run_stage(_night(domain, run_date, name, [STAGES[name]], force_training), STAGES[name], progress)


def whole_night(
    domain: str, run_date: date, *, force_training: bool = False, progress: Progress = print_progress
) -> None:
    """Run all stages of the night in one Spark session, and tell people what changed by it, however it ended."""
    lakehouse = _lakehouse(domain, run_date)
    try:
        with hold_lease(lakehouse, Lease.of_this_process(f"night {run_date}")):
            run_night(_night(domain, run_date, "night", NIGHT, force_training), progress=progress)
    finally:
        settings = load_settings()
        tell_safely(settings, find_domain(settings.conf_dir, domain))


def leakage(domain: str, run_date: date) -> tuple[date, int]:
    """Replay the oldest cutoff that this night trained on, without what came after it; see operations.leakage_check."""
    from spark_jobs.operations.leakage_check import check_leakage

    _lakehouse(domain, run_date)
    return check_leakage(_night(domain, run_date, "leakage", [], force_training=False).for_job())


def reproduction(domain: str, release: str) -> int:
    """Make a past release again and compare it; see operations.reproduce."""
    from spark_jobs.operations.reproduce import reproduce

    run_date = release_named(Lakehouse.of(load_settings(), domain), release)["run_date"]
    return reproduce(_night(domain, run_date, f"reproduce {release}", [], force_training=False), release)


def replayed(domain: str, batch: str) -> Sequence[object]:
    """Clean a batch again; see operations.replay."""
    from spark_jobs.operations.replay import replay

    tonight = find_domain(load_settings().conf_dir, domain).tonight()
    with hold_lease(_lakehouse(domain, tonight), Lease.of_this_process(f"replay of {batch}")):
        return replay(_night(domain, tonight, f"replay {batch}", [], force_training=False), batch)


def _lakehouse(domain: str, run_date: date) -> Lakehouse:
    """The domain's tables; raises for what can't be a night, before anything is started."""
    settings = load_settings()
    described = find_domain(settings.conf_dir, domain)
    refuse_future(described, run_date)
    return Lakehouse.of(settings, described)


def _night(domain: str, run_date: date, what: str, stages: Iterable[Stage], force_training: bool) -> Night:
    settings = load_settings()
    described = find_domain(settings.conf_dir, domain)
    # Python loads what the jobs need while the JVM starts.
    with ThreadPoolExecutor(max_workers=1) as loader:
        loader.submit(_load, list(stages))
        name = f"nightjar {domain} {run_date} {what}"
        session = spark_session(settings, name, likely_events(settings, described))
    return Night(settings, described, run_date, spark=session, force_training=force_training)


def refuse_future(domain: Domain, run_date: date) -> None:
    """Raise FutureNightError for a day that has not begun: its lists would hide those of all nights until then."""
    tonight = domain.tonight()
    if run_date > tonight:
        raise FutureNightError(
            f"Run date {run_date} lies beyond tonight, which is {tonight} in {domain.time_zone}; a night covers the "
            "events before its run date, so give that day or an earlier one."
        )


def _load(stages: list[Stage]) -> None:
    for stage in stages:
        for job in stage.jobs:
            importlib.import_module(module_of(stage, job))
    if any(job.gates for stage in stages for job in stage.jobs):
        importlib.import_module("spark_jobs.quality.evaluation")
