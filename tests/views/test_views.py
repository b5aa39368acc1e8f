"""Views: what happened, read without a JVM, fast after a year of nights."""

from __future__ import annotations

import json
import time
from datetime import date, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from spark_jobs.cli.views import VIEWS, show
from spark_jobs.contracts.settings import load_settings
from spark_jobs.lakehouse.run_context import RunContext
from spark_jobs.ledgers import model_metrics, releases, runs
from spark_jobs.ledgers.runs import JobRun
from spark_jobs.views.nights import last_nights
from spark_jobs.views.quality import quality_over_time
from tests.nights import write_domain

FIRST = date(2025, 12, 1)
FACTS = {"model_version": "1", "inputs": {}, "domain_digest": "d", "code_version": "c", "users": 3, "rows": 9}


def contexts(home: Path, nights: int) -> list[RunContext]:
    domain = write_domain(home)
    return [RunContext(load_settings(), domain, FIRST + timedelta(days=k)) for k in range(nights)]


def test_the_latest_run_of_each_job_decides(home: Path) -> None:
    first, second = contexts(home, 2)
    runs.record(first, [JobRun("prepare", "clean_items", "failed", 2.0, error="no memory")])
    runs.record(first, [JobRun("prepare", "clean_items", "succeeded", 1.0)])
    runs.record(first, [JobRun("publish", "publish_recommendations", "succeeded", 1.0)])
    releases.record(first, FACTS | {"release": "r-1", "kind": "publish", "serving": True})
    runs.record(second, [JobRun("train", "train_ranker", "failed", 5.0, error="planted")])

    newest, oldest = last_nights(first.lakehouse, 5)

    assert (newest.status, newest.error, newest.release) == ("failed", "train/train_ranker: planted", None)
    assert (oldest.status, oldest.error, oldest.release) == ("succeeded", None, "r-1")
    assert oldest.seconds == 2.0


def test_quality_names_the_best_baseline(home: Path) -> None:
    (context,) = contexts(home, 1)
    metrics = [
        {"model": name, "metric": "ndcg_at_10", "value": value, "low": value, "high": value, "users": 5}
        for name, value in (("ranker", 0.3), ("als", 0.2), ("popularity", 0.1), ("diversified", 0.29))
    ]
    model_metrics.record(context, "7", metrics)

    (view,) = quality_over_time(context.lakehouse, 5)

    assert (view.model_version, view.best_baseline, view.baseline, view.champion) == ("7", "als", 0.2, None)


@pytest.mark.parametrize("name", VIEWS)
def test_an_empty_domain_says_so(home: Path, name: str) -> None:
    write_domain(home)
    console = Console(record=True)

    show(name, load_settings(), "shop", 5, console, json=False)

    assert "nothing to show here yet" in console.export_text()


def test_views_are_json_for_programs(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (context,) = contexts(home, 1)
    runs.record(context, [JobRun("prepare", "clean_items", "succeeded", 1.0)])

    show("nights", load_settings(), "shop", 5, Console(), json=True)

    assert json.loads(capsys.readouterr().out)[0]["status"] == "unfinished"


def test_a_year_of_nights_is_read_in_a_second(home: Path) -> None:
    nights = contexts(home, 365)
    same = {"stage": "prepare", "status": "succeeded", "seconds": 1.0, "inputs": {}, "outputs": {}, "code_version": "c"}
    rows = [
        same | {"run_date": one.run_date, "job": f"job_{k}", "recorded_at": one.as_of}
        for one in nights
        for k in range(19)
    ]
    for start in range(0, len(rows), 190):
        nights[0].lakehouse.append("ops.runs", rows[start : start + 190], {})
    started = time.monotonic()

    found = last_nights(nights[0].lakehouse, 14)

    assert len(found) == 14
    assert found[0].run_date == nights[-1].run_date
    assert time.monotonic() - started < 1.0
