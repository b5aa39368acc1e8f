"""Nights for tests: a domain of its own in a home of its own, run with the shared session."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from pyspark.sql import SparkSession

from spark_jobs.contracts.domain import Domain, find_domain
from spark_jobs.contracts.job_catalog import JOBS, STAGES
from spark_jobs.contracts.settings import load_settings
from spark_jobs.lakehouse.night import Night
from spark_jobs.runner.run import run_night, run_stage

SHOP: dict[str, Any] = {
    "domain": "shop",
    "interactions": {
        "path": "shop/*.csv",
        "columns": {
            "user_id": "who",
            "item_id": "what",
            "event_type": "kind",
            "event_at": "try_to_timestamp(at)",
            "value": "try_cast(price AS DOUBLE)",
        },
        "event_key": ["id"],
    },
    "event_weights": {"buy": 1.0, "view": 0.1, "return": -1.0},
    "items": {"from_interactions": {"title": "concat('Item ', what)"}},
}
HEADER = "id,who,what,kind,at,price\n"


def write_domain(home: Path, **changes: Any) -> Domain:
    """Write `SHOP` with changes to the home's conf folder."""
    content = {**SHOP, **changes}
    (home / "conf" / f"{content['domain']}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return find_domain(home / "conf", content["domain"])


def land(home: Path, name: str, *rows: str, header: str = HEADER) -> Path:
    """Write a landing file of the shop."""
    path = home / "landing" / "shop" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(header + "".join(f"{row}\n" for row in rows))
    return path


def night_of(spark: SparkSession, domain: Domain, run_date: date | str) -> Night:
    """A night with the settings of the environment."""
    return Night(load_settings(), domain, date.fromisoformat(str(run_date)), spark=spark)


LANDING = ("ingest_landing_files", "clean_interactions", "clean_users", "clean_items")


def prepare(night: Night, *jobs: str) -> None:
    """Run the first stage as Airflow would, or some jobs of it."""
    stage = STAGES["prepare"]
    run_stage(night, replace(stage, jobs=tuple(JOBS[name] for name in jobs) or stage.jobs))


def run_whole(night: Night) -> None:
    """Run the whole night."""
    run_night(night)


def content(night: Night, table: str, *without: str) -> list[str]:
    """All rows of a table as sorted texts, to compare contents."""
    frame = night.read(table).drop(*without)
    return sorted(str(row) for row in frame.collect())
