"""A home as months of nights leave it: ledgers, lists and events of domains, written at once."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from spark_jobs.contracts.domain import Domain, find_domain
from spark_jobs.contracts.settings import Settings
from spark_jobs.contracts.tables import TABLES
from spark_jobs.lakehouse.schema import arrow_schema
from spark_jobs.lakehouse.tables import Lakehouse
from tests.nights import SHOP

HOSTILE = '<script>alert("x")</script> & "quotes" \u202egnitset\u202c'
"""A title that must stay text."""
Rows = list[dict[str, Any]]


def make_home(home: Path, names: list[str], nights: int, until: date) -> None:
    """Domain files and tables of these domains, with so many nights up to a date."""
    conf = home / "conf"
    conf.mkdir(parents=True, exist_ok=True)
    for name in names:
        content = {**SHOP, "domain": name, "description": f"The shop {name}", "schedule": "0 2 * * *"}
        (conf / f"{name}.yaml").write_text(yaml.safe_dump(content))
        fill(Settings(home=home, conf_dir=conf), find_domain(conf, name), nights, until)


def fill(settings: Settings, domain: Domain, nights: int, until: date) -> None:
    """Tables of one domain."""
    lakehouse = Lakehouse.of(settings, domain)
    days = [until - timedelta(days=nights - 1 - number) for number in range(nights)]
    tables: dict[str, Rows] = {name: [] for name in ("ops.runs", "ops.releases", "ops.outcomes", "ops.drift")}
    tables |= {name: [] for name in ("ops.model_metrics", "ops.job_costs", "ops.batches", "ops.decisions")}
    for number, day in enumerate(days):
        for name, rows in of_night(day, number).items():
            tables[name] += [{"run_date": day, "recorded_at": at(day, 3), **row} for row in rows]
    recent = set(days[-6:])
    for name, rows in tables.items():
        columns = set(TABLES[name].column_names)
        known = [{key: value for key, value in row.items() if key in columns} for row in rows]
        # As weekly compaction leaves them: one file of what is older, and a commit a night since.
        old = [row for row in known if row["run_date"] not in recent] if "run_date" in columns else known
        parts = [old, *([row for row in known if row.get("run_date") == day] for day in sorted(recent))]
        for part in parts:
            if part:
                lakehouse.append(name, part, {})
    lists = [
        {"user_id": f"u{user}", "rank": rank, "item_id": f"i{rank}", "title": HOSTILE if rank == 1 else f"Item {rank}"}
        | {"score": 1.0 / rank, "sources": ["ease", "popularity"], "reason": f"because of {HOSTILE}", "run_date": until}
        | {"release": f"r-{until}", "model_version": "3"}
        for user in range(20)
        for rank in range(1, 11)
    ]
    replace(lakehouse, "gold.recommendations", lists)
    event = {"user_id": "u1", "item_id": "i2", "event_type": "buy", "event_at": at(until, 12), "weight": 1.0}
    replace(lakehouse, "silver.interactions", [event | {"event_key": "1", "value": 2.0, "batch_id": "b"}])
    item = {"item_id": "i2", "valid_from": at(date(1970, 1, 1), 0), "title": "Item 2", "categories": []}
    replace(lakehouse, "silver.items", [item | {"attributes": [], "batch_id": "b"}])
    refused = {"record": [("who", "")], "delivery": "shop/a.csv", "failed_check": "user_id_required"}
    refused |= {"reason": f"user_id: expected a value, got {HOSTILE}", "batch_id": f"{until}-b"}
    replace(lakehouse, "quarantine.interactions", [refused] * 30)


def replace(lakehouse: Lakehouse, name: str, rows: Rows) -> None:
    """Write a table."""
    schema = arrow_schema(TABLES[name])
    lakehouse.replace(name, pa.Table.from_pylist(rows, schema=schema), None, {})


def at(day: date, hour: int) -> datetime:
    """A moment of the day."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def of_night(day: date, number: int) -> dict[str, Rows]:
    """What a night writes into ledgers."""
    version, failed = str(1 + number // 30), number % 17 == 16
    wave = 0.12 + 0.02 * math.sin(number / 3) + (0.02 if number > 30 else 0)
    jobs = [("prepare", "clean_interactions"), ("publish", "score_users"), ("publish", "publish_recommendations")]
    runs: Rows = [
        {"stage": stage, "job": job, "status": "failed" if failed and stage == "publish" else "succeeded"}
        | {"seconds": 60.0, "inputs": [], "outputs": [], "code_version": "v1", "error": "boom" if failed else None}
        for stage, job in jobs
    ]
    release = {"release": f"r-{day}", "kind": "publish", "model_version": version, "inputs": [], "domain_digest": "d"}
    release |= {"code_version": "v1", "users": 20, "rows": 200, "serving": True, "churn": 0.2}
    outcomes: Rows = []
    for days in (1, 7):
        key = {
            "release": f"r-{day}",
            "served_from": day,
            "days": days,
            "label_days": 7,
            "model_version": version,
            "truth": "t",
        }
        key |= {"metric": "ndcg_at_10", "users": 900}
        outcomes.append(key | {"model": "served", "value": wave, "low": wave - 0.02, "high": wave + 0.02})
        for model, less in (("popularity", 0.03), ("own_history", 0.06), ("previous", 0.0)):
            compared = {"difference": less, "difference_low": less - 0.01, "difference_high": less + 0.01}
            outcomes.append(key | {"model": model, "value": wave - less} | compared)
        outcomes.append(key | {"model": "served", "metric": "users_with_list", "value": 0.93})
    drift = [
        {"measure": "events", "part": None, "status": "alarm" if number % 40 == 39 else "usual", "users": 900}
        | {"text": "400, usually 1,000", "value": 400.0}
    ]
    metrics: Rows = []
    if number % 30 == 0:
        for model, value in (("ranker", 0.13), ("diversified", 0.128), ("ease", 0.11), ("popularity", 0.09)):
            row = {"model_version": version, "model": model, "slice": None, "users": 900}
            metrics.append(row | {"metric": "ndcg_at_10", "value": value, "low": value - 0.01, "high": value + 0.01})
            metrics.append(row | {"metric": "pool_recall", "value": 3 * value})
            if model in ("ease", "popularity"):
                metrics.append(row | {"metric": "marginal_recall", "value": value / 5})
    costs: Rows = [
        {"stage": stage, "job": job, "seconds": 20.0, "gate_seconds": 1.0, "write_seconds": 2.0, "python_seconds": 3.0}
        | {"import_seconds": 0.1, "spark_jobs": 5, "spark_tasks": 9, "rows": 1000}
        for stage, job in jobs
    ]
    batch = {"table": "interactions", "batch_id": f"{day}-b", "received": 100, "kept": 99, "quarantined": 1}
    train = {"decision": "train", "outcome": "no", "reason": "not due"}
    return {
        "ops.runs": runs,
        "ops.releases": [release],
        "ops.outcomes": outcomes,
        "ops.drift": drift,
        "ops.model_metrics": metrics,
        "ops.job_costs": costs,
        "ops.batches": [batch | {"duplicates": 0, "left_out": 0, "digest": "d"}],
        "ops.decisions": [train],
    }
