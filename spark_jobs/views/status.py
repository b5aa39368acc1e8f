"""Every domain in a line: what serves, how old it is, how the latest night ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from spark_jobs.contracts.domain import Domain
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers.releases import Serving, publication_of, serving
from spark_jobs.views.nights import NightView, last_nights


@dataclass(frozen=True)
class StatusView:
    """One domain."""

    domain: str
    night: str
    """`succeeded`, `failed`, `unfinished`, or `none yet`."""
    run_date: date | None
    ended_at: datetime | None
    serving: str | None
    """Release."""
    lists_of: date | None
    model_version: str | None
    users: int | None


def status_of(lakehouse: Lakehouse, domain: Domain) -> StatusView:
    """How the domain stands."""
    return described(lakehouse, domain, last_nights(lakehouse, 1), serving(lakehouse))


def described(lakehouse: Lakehouse, domain: Domain, nights: list[NightView], served: Serving | None) -> StatusView:
    """The same of the latest night and of what serves, where they were looked up already."""
    night = nights[0] if nights else None
    published = publication_of(lakehouse, served.release) if served else None
    return StatusView(
        domain=domain.domain,
        night=night.status if night else "none yet",
        run_date=night.run_date if night else None,
        ended_at=night.ended_at if night else None,
        serving=served.release if served else None,
        lists_of=served.run_date if served else None,
        model_version=served.model_version if served else None,
        users=published["users"] if published else None,
    )
