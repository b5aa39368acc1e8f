"""Every folder of `cases/`: what lands becomes what its expected.yaml says, and nothing is lost on the way."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession

from spark_jobs.contracts.domain import find_domain
from spark_jobs.contracts.errors import NightjarError
from spark_jobs.lakehouse.night import Night
from spark_jobs.prepare.clean_interactions import run as clean_interactions
from spark_jobs.prepare.clean_items import run as clean_items
from spark_jobs.prepare.clean_users import run as clean_users
from spark_jobs.prepare.ingest_landing_files import run as ingest
from tests.nights import night_of

FOLDER = Path(__file__).parent
CASES = sorted(path.parent for path in FOLDER.glob("cases/*/expected.yaml"))


def test_there_are_at_least_a_hundred_cases_and_all_say_what_they_expect() -> None:
    assert len(CASES) >= 100
    assert {path.name for path in (FOLDER / "cases").iterdir()} == {case.name for case in CASES}


@pytest.fixture(autouse=True)
def interpreted(spark: SparkSession) -> Iterator[None]:
    """A handful of records: most of a case's time would be that of compiling plans and of starting tasks."""
    options = {
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.adaptive.enabled": "false",
    }
    before = {name: str(spark.conf.get(name)) for name in options}
    for name, value in options.items():
        spark.conf.set(name, value)
    yield
    for name, value in before.items():
        spark.conf.set(name, value)


# Each takes seconds: one of three in `make test`, the others in `make test-long`.
RUNS = [pytest.param(case, id=case.name, marks=[pytest.mark.long] if n % 3 else []) for n, case in enumerate(CASES)]


@pytest.mark.parametrize("case", RUNS)
def test_golden(spark: SparkSession, home: Path, case: Path, caplog: pytest.LogCaptureFixture) -> None:
    expected = yaml.safe_load((case / "expected.yaml").read_text())
    known = {
        "about",
        "rows",
        "kept",
        "quarantined",
        "items_quarantined",
        "reasons",
        "duplicates",
        "superseded",
        "left_out",
    }
    assert set(expected) <= known | {"items", "users", "warnings", "error"}
    domain = laid_over(content_of(FOLDER / "domain.yaml"), content_of(case / "domain.yaml"))
    (home / "conf" / "shop.yaml").write_text(yaml.safe_dump(domain, sort_keys=False))
    nights = sorted(path for path in case.iterdir() if path.is_dir())
    assert nights, "a case lands something"

    for folder in nights:
        land(folder, home / "landing" / "in")
        night = night_of(spark, find_domain(home / "conf", "shop"), folder.name)
        if "error" in expected and folder == nights[-1]:
            with pytest.raises(NightjarError) as caught:
                clean(night, expected)
            assert re.search(expected["error"], str(caught.value)), str(caught.value)
            assert "\tat " not in str(caught.value)
            return
        clean(night, expected)

    check(night.for_job(), expected)
    for text in expected.get("warnings", []):
        assert text in caplog.text


def land(folder: Path, landing: Path) -> None:
    """Put the files of a night there, delivered one after another by name on the day before it."""
    shutil.copytree(folder, landing, dirs_exist_ok=True)
    noon = datetime.fromisoformat(f"{folder.name}T12:00:00+00:00") - timedelta(days=1)
    for number, path in enumerate(sorted(path for path in folder.rglob("*") if path.is_file())):
        at = noon.timestamp() + number
        os.utime(landing / path.relative_to(folder), (at, at))


def content_of(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text()) if path.exists() else {}


def laid_over(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """The base with the patch's values; parts that both have, and are of one kind, are merged."""
    merged = dict(base)
    for key, value in patch.items():
        both = (
            isinstance(value, dict)
            and isinstance(base.get(key), dict)
            and key in ("interactions", "columns", "quality")
        )
        merged[key] = laid_over(base[key], value) if both else value
    return merged


def clean(night: Night, expected: Mapping[str, Any]) -> None:
    """The jobs from landing to silver, as far as the case has expectations of them."""
    jobs = [ingest, clean_interactions]
    jobs += [clean_items] if "items" in expected else []
    jobs += [clean_users] if "users" in expected else []
    for job in jobs:
        job(night.for_job())


def check(night: Night, expected: Mapping[str, Any]) -> None:
    names = ("event_key", "user_id", "item_id", "event_type")
    events = [
        [*(e[name] for name in names), f"{e['event_at']:%Y-%m-%dT%H:%M:%SZ}", e["value"]]
        for e in rows_of(night, "silver.interactions")
    ]
    if "rows" in expected:
        assert sorted(events, key=str) == sorted(expected["rows"], key=str)
    if "kept" in expected:
        assert len(events) == expected["kept"]
    refused = rows_of(night, "quarantine.interactions")
    assert Counter(row["failed_check"] for row in refused) == expected.get("quarantined", {})
    for text in expected.get("reasons", []):
        assert any(text in row["reason"] for row in refused), [row["reason"] for row in refused]
    outcomes = [row for row in rows_of(night, "ops.batches") if row["table"] == "interactions"]
    totals = {name: sum(row[name] for row in outcomes) for name in ("received", "kept", "duplicates", "left_out")}
    assert totals["duplicates"] == expected.get("duplicates", 0)
    assert totals["left_out"] == expected.get("left_out", 0)
    assert totals["kept"] == len(events) + expected.get("superseded", 0)
    counted = totals["kept"] + len(refused) + totals["duplicates"] + totals["left_out"]
    assert len(rows_of(night, "bronze.interactions")) == totals["received"] == counted
    if "items" in expected:
        items = [
            [row["item_id"], row["title"], row["categories"], dict(row["attributes"])]
            for row in rows_of(night, "silver.items")
        ]
        assert sorted(items, key=str) == sorted(expected["items"], key=str)
        checks = Counter(row["failed_check"] for row in rows_of(night, "quarantine.items"))
        assert checks == expected.get("items_quarantined", {})
    if "users" in expected:
        users = [[row["user_id"], dict(row["attributes"])] for row in rows_of(night, "silver.users")]
        assert sorted(users, key=str) == sorted(expected["users"], key=str)


def rows_of(night: Night, table: str) -> list[dict[str, Any]]:
    """All rows of the table; none where it was never written."""
    found: list[dict[str, Any]] = night.rows(table).to_pylist()
    return found
