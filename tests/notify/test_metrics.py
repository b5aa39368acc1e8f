"""Metrics, rules and dashboard agree, and Prometheus' own checker takes them where it is installed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.settings import PROJECT_ROOT, load_settings
from spark_jobs.lakehouse.run_context import RunContext
from spark_jobs.notify.metrics import METRICS, write_metrics
from tests.nights import write_domain
from tests.notify.test_alerts import night

DEPLOY = PROJECT_ROOT / "deploy"
SAMPLE = re.compile(r'(\w+)\{(\w+="[^"]*"(?:,\w+="[^"]*")*)\} (\S+)')


@pytest.fixture
def domain(home: Path) -> Domain:
    return write_domain(home)


def test_a_night_writes_its_figures_in_one_step(domain: Domain) -> None:
    today = domain.tonight()
    night(domain, today - timedelta(days=1))
    night(domain, today, "failed", "boom")
    outcome = {
        "release": "r",
        "served_from": today,
        "days": 7,
        "label_days": 7,
        "model_version": "7",
        "model": "served",
        "truth": "t",
    }
    row = outcome | {"metric": "ndcg_at_10", "value": 0.25, "users": 9}
    RunContext(load_settings(), domain, today).record("ops.outcomes", [row])
    path = write_metrics(load_settings(), domain)
    text = path.read_text()
    samples = {(name, labels): float(value) for name, labels, value in SAMPLE.findall(text)}

    assert path == load_settings().home / "metrics" / "shop.prom"
    assert samples["nightjar_night_failed", 'domain="shop"'] == 1
    assert samples["nightjar_list_users", 'domain="shop"'] == 1
    assert samples["nightjar_outcome", 'domain="shop",days="7",model="served",metric="ndcg_at_10"'] == 0.25
    assert samples["nightjar_last_success_timestamp_seconds", 'domain="shop"'] > 1.7e9
    assert not list(path.parent.glob("*.tmp"))
    if shutil.which("promtool"):
        checked = subprocess.run(
            ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stderr


def test_rules_and_dashboard_use_metrics_that_there_are_and_runbooks_exist() -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())["groups"][0]["rules"]
    dashboard = json.loads((DEPLOY / "grafana" / "dashboards" / "nightjar.json").read_text())
    queries = [rule["expr"] for rule in rules]
    queries += [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]

    assert {name for query in queries for name in re.findall(r"nightjar_\w+", query)} <= set(METRICS)
    assert len(queries) > 8
    assert all((PROJECT_ROOT / rule["annotations"]["runbook"]).is_file() for rule in rules)
    if shutil.which("promtool"):
        found = subprocess.run(["promtool", "check", "rules", DEPLOY / "prometheus" / "alerts.yaml"], check=False)
        assert found.returncode == 0
