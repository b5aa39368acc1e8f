"""Tables as Airflow's assets: what a night takes in, prepares and publishes, so that other DAGs can follow it."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Asset

from spark_jobs.contracts.domain import Domain
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers.releases import serving

GROUP = "nightjar"
LANDING = "landing"
PREPARED = ("silver.interactions", "silver.items")
PUBLISHED = ("gold.recommendations",)


def asset(domain: Domain, name: str) -> Asset:
    """The asset of a table, or of the landing folder: `shop/gold.recommendations`."""
    return Asset(name=f"{domain.domain}/{name}", uri=f"nightjar://{domain.domain}/{name}", group=GROUP)


def of_stage(domain: Domain, stage: str) -> dict[str, list[Asset]]:
    """Assets that a stage takes in and makes, as an operator's arguments."""
    taken = {"prepare": (LANDING,), "publish": PREPARED}.get(stage, ())
    made = {"prepare": PREPARED, "publish": PUBLISHED}.get(stage, ())
    return {
        "inlets": [asset(domain, name) for name in taken],
        "outlets": [asset(domain, name) for name in made],
    }


def describe_events(lakehouse: Lakehouse, outlets: list[Asset], events: Any, run_date: str) -> None:
    """Say in every asset's event which version of the table it is, and how many rows it has; and the release."""
    for outlet in outlets:
        table = outlet.name.split("/", 1)[1]
        if not lakehouse.exists(table):
            continue
        extra = {"run_date": run_date, "rows": lakehouse.count(table), "version": lakehouse.version(table)}
        served = serving(lakehouse) if table in PUBLISHED else None
        events[outlet].extra = extra | ({"release": served.release} if served else {})
