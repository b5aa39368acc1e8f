"""The wheel alone: it brings what it needs, and a night runs without the source tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from spark_jobs.contracts.settings import PROJECT_ROOT
from spark_jobs.contracts.storage import Location
from spark_jobs.lakehouse.tables import Lakehouse
from tests.nights import land, write_domain


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds nothing but the unpacked wheel."""
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(build, cwd=PROJECT_ROOT, check=True, capture_output=True)
    (wheel,) = out.glob("nightjar-*.whl")
    zipfile.ZipFile(wheel).extractall(out / "site")
    return out / "site"


def run(installed: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NIGHTJAR_")}
    environment |= {
        "PYTHONPATH": str(installed),
        "NIGHTJAR_JARS_DIR": str(home / "jars"),
        "NIGHTJAR_CONF_DIR": str(home / "conf"),
    }
    if (java := PROJECT_ROOT / ".tools" / "java-home").is_file():
        environment["NIGHTJAR_JAVA_HOME"] = java.read_text().strip()
    command = [sys.executable, "-m", "spark_jobs.cli.main", *arguments]
    return subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.long
def test_a_night_begins_without_the_source_tree(installed: Path, home: Path) -> None:
    write_domain(home)
    landing = home / ".nightjar" / "landing"
    land(home, "day1.csv", *[f"{n},u{n},a{n % 7},buy,2026-01-01T10:00:00Z,5" for n in range(50)])
    landing.parent.mkdir()
    shutil.move(home / "landing", landing)
    without = run(installed, home, "night", "-d", "shop", "--run-date", "2026-01-02")

    assert "run `nightjar jars`" in without.stderr

    shutil.copytree(PROJECT_ROOT / ".tools" / "jars", home / "jars")

    assert run(installed, home, "jars").returncode == 0

    night = run(installed, home, "night", "-d", "shop", "--run-date", "2026-01-02")

    # Three days of one event each are too little to learn from: the night runs its gates and says so.
    assert "prepare" in night.stdout, night.stderr

    lakehouse = Lakehouse(Location(str(home / ".nightjar" / "lakehouse")), "shop")

    assert lakehouse.count("silver.interactions") == 50

    ran = lakehouse.query("SELECT DISTINCT code_version AS v FROM runs", runs="ops.runs")["v"].to_pylist()

    assert [version[:5] for version in ran] == ["code-"]


def test_it_brings_suites_domains_dags_and_the_lock_of_the_jars(installed: Path) -> None:
    shipped = installed / "spark_jobs" / "shipped"
    for folder, pattern in (("expectations", "*.json"), ("conf", "*.yaml"), ("dags", "*.py"), ("plugins", "**/*.py")):
        ours = {path.relative_to(PROJECT_ROOT / folder) for path in (PROJECT_ROOT / folder).glob(pattern)}
        assert {path.relative_to(shipped / folder) for path in (shipped / folder).glob(pattern)} == ours
    templates = {path.name for path in (installed / "spark_jobs" / "reports" / "templates").iterdir()}

    assert templates == {"report.html", "card.md"}
    assert (shipped / "jars.lock").read_text() == (PROJECT_ROOT / "jars.lock").read_text()
