"""The JVM's second compiler is for long work: how long is told from files and tables before a JVM is there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from spark_jobs.contracts.settings import Settings
from spark_jobs.contracts.spark import MANY_EVENTS, launch_conf
from spark_jobs.contracts.tables import TABLES
from spark_jobs.lakehouse.schema import arrow_schema
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.runner.workload import BYTES_PER_EVENT, likely_events
from tests.nights import land, write_domain

FIRST_COMPILER_ONLY = "-XX:TieredStopAtLevel=1"


@pytest.fixture
def settings(home: Path) -> Settings:
    jars = home / "jars"
    jars.mkdir()
    (jars / "delta.jar").touch()
    return Settings(home=home, conf_dir=home / "conf", jars_dir=jars)


def test_landing_files_count_until_bronze_holds_more(settings: Settings) -> None:
    domain = write_domain(settings.home)

    assert likely_events(settings, domain) == 0

    for number in (1, 2):
        land(settings.home, f"events-{number}.csv", header="x" * 1_000 * BYTES_PER_EVENT)

    assert likely_events(settings, domain) == 2_000

    now = datetime(2026, 1, 1, tzinfo=UTC)
    told = {"delivery": "a", "delivery_size": 1, "delivery_modified_at": now, "run_date": now.date(), "batch_id": "b"}
    row = told | {"record": [("id", "1")], "corrupt": None}
    rows = pa.Table.from_pylist([row] * 3_000, schema=arrow_schema(TABLES["bronze.interactions"]))
    Lakehouse.of(settings, domain).replace("bronze.interactions", rows, None, {})

    assert likely_events(settings, domain) == 3_000


@pytest.mark.parametrize(("wanted", "expected"), [(None, (False, True)), (True, (True, True)), (False, (False, False))])
def test_many_events_get_the_second_compiler_unless_told_otherwise(
    settings: Settings, wanted: bool | None, expected: tuple[bool, bool]
) -> None:
    settings = settings.model_copy(update={"full_jit": wanted})
    options = [
        launch_conf(settings, "local[2]", events)["spark.driver.extraJavaOptions"].split()
        for events in (MANY_EVENTS, MANY_EVENTS + 1)
    ]

    assert tuple(FIRST_COMPILER_ONLY not in of_these for of_these in options) == expected
