"""Pages as Airflow's own API server answers them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from spark_jobs.contracts.settings import PROJECT_ROOT
from tests.dags.conftest import airflow_environment
from tests.web.homes import make_home

TODAY = datetime.now(UTC).date()
Ask = Callable[..., dict[str, Any]]


def ask_in(home: Path, requests: list[tuple[str | None, str]], **more: str) -> dict[str, Any]:
    """Answers of an API server on this home."""
    environment = airflow_environment(home, home / "conf") | {"PYTHONPATH": str(PROJECT_ROOT), **more}
    command = [sys.executable, "-m", "tests.web.serve"]
    options: dict[str, Any] = {"env": environment, "cwd": PROJECT_ROOT, "capture_output": True, "text": True}
    done = subprocess.run(command, input=json.dumps(requests), check=False, **options)
    line = next((line for line in done.stdout.splitlines() if line.startswith("ANSWERS")), None)
    assert line, done.stderr[-3000:]
    return dict(json.loads(line[7:]))


def migrated(home: Path) -> None:
    """An Airflow database in the home."""
    environment = airflow_environment(home, home / "conf")
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], env=environment, check=True, capture_output=True)


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two domains with forty nights, and a domain file with mistakes."""
    home = tmp_path_factory.mktemp("filled")
    make_home(home, ["shop", "other-shop"], 40, TODAY)
    (home / "data_docs" / "shop").mkdir(parents=True)
    (home / "data_docs" / "shop" / "index.html").write_text("<h1>What the gates found</h1>")
    (home / "conf" / "broken.yaml").write_text("domain: broken\nnonsense: <b>1</b>\n")
    migrated(home)
    return home


def until() -> date:
    """The latest night of the homes."""
    return TODAY
