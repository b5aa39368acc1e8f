"""The latest nights: how each ended, how long it took, what it trained and published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers import ledger, releases, runs
from spark_jobs.ledgers.ledger import Row


@dataclass(frozen=True)
class NightView:
    """One run date, by the latest run of each of its jobs."""

    run_date: date
    status: str
    """`succeeded`, `failed` or `unfinished`."""
    seconds: float
    """Of its jobs, which in part run side by side."""
    ended_at: datetime
    trained: bool
    release: str | None
    """Release that it published."""
    users: int | None
    error: str | None
    """Why its first failed job failed."""


def last_nights(lakehouse: Lakehouse, limit: int) -> list[NightView]:
    """The latest run dates, newest first, in one query per ledger."""
    nights = "SELECT DISTINCT run_date FROM ledger WHERE stage <> 'maintain' ORDER BY run_date DESC"
    of_nights = f"stage <> 'maintain' AND run_date IN ({nights} LIMIT {limit})"
    jobs = ledger.latest_of_each(lakehouse, runs.TABLE, ("run_date", "stage", "job"), of_nights)
    published = ledger.latest_of_each(lakehouse, releases.LEDGER, ("run_date",), "kind = 'publish'")
    release_of = {row["run_date"]: row for row in published}
    by_date: dict[date, list[Row]] = {}
    for job in jobs:
        by_date.setdefault(job["run_date"], []).append(job)
    return [_night(day, by_date[day], release_of.get(day)) for day in sorted(by_date, reverse=True)]


def _night(run_date: date, jobs: list[Row], release: Row | None) -> NightView:
    failed = [job for job in jobs if job["status"] == "failed"]
    finished = any(job["job"] == "publish_recommendations" and job["status"] == "succeeded" for job in jobs)
    status = "failed" if failed else "succeeded" if finished else "unfinished"
    return NightView(
        run_date=run_date,
        status=status,
        seconds=sum(job["seconds"] for job in jobs),
        ended_at=max(job["recorded_at"] for job in jobs),
        trained=any(job["job"] == "train_ranker" and job["status"] == "succeeded" for job in jobs),
        release=release["release"] if release else None,
        users=release["users"] if release else None,
        error=f"{failed[0]['stage']}/{failed[0]['job']}: {failed[0]['error']}" if failed else None,
    )
