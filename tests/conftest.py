"""Shared by all tests: one Spark session, a home of its own for each test, and a small domain."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark_jobs.contracts.settings import Settings
from spark_jobs.lakehouse.spark_session import spark_session

# Spark Connect, which Great Expectations looks for, ends a process without a main file, taking it for its own doctests.
# That is what the workers of pytest-xdist look like.
if not hasattr(sys.modules["__main__"], "__file__"):
    sys.modules["__main__"].__file__ = __file__

SLOW = {"spark": "spark", "airflow_home": "airflow"}
"""Marks that tests get for the fixtures they use, so that `make quick` can leave them out."""
SHARED = ("shop", "airflow_home")
"""Fixtures that are costly to make: tests that use one run in one process."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shuffle", type=int, metavar="SEED", help="run tests in a random order: none may need another")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark tests by what they start; shuffle them where asked to."""
    seed = config.getoption("--shuffle")
    if seed is not None:
        random.Random(seed).shuffle(items)
    for item in items:
        for fixture in getattr(item, "fixturenames", []):
            if fixture in SLOW:
                item.add_marker(SLOW[fixture])
            if fixture in SHARED:
                item.add_marker(pytest.mark.xdist_group(fixture))


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The session that all tests share; starting one costs seconds."""
    settings = Settings(home=tmp_path_factory.mktemp("spark"), spark_master="local[2]")
    session = spark_session(settings, "tests")
    yield session
    session.stop()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty NIGHTJAR_HOME with its own conf folder."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "landing").mkdir()
    monkeypatch.setenv("NIGHTJAR_HOME", str(tmp_path))
    monkeypatch.setenv("NIGHTJAR_CONF_DIR", str(tmp_path / "conf"))
    return tmp_path
