"""The `nightjar` command: foreseeable failures are one sentence and exit code 1, without a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

NIGHTJAR = str(Path(sys.executable).parent / "nightjar")


def nightjar(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "NIGHTJAR_HOME": str(home), **environment}
    return subprocess.run([NIGHTJAR, *arguments], capture_output=True, text=True, check=False, env=variables)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("night", "-d", "nowhere", "--run-date", "2026-01-01"), "no domain file for 'nowhere'"),
        (("recommendations", "-d", "movielens-100k", "-u", "1"), "Nothing is published"),
    ],
)
def test_what_can_be_foreseen_is_one_sentence(home: Path, arguments: tuple[str, ...], words: str) -> None:
    done = nightjar(home, *arguments, NIGHTJAR_CONF_DIR="conf")

    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_setting_names_its_variable(home: Path) -> None:
    done = nightjar(home, "recommendations", "-d", "x", "-u", "1", NIGHTJAR_DEVICE="tpu")

    assert done.returncode == 1
    assert "NIGHTJAR_DEVICE" in done.stderr


def test_a_date_that_is_none_is_a_usage_error(home: Path) -> None:
    done = nightjar(home, "night", "-d", "movielens-100k", "--run-date", "tomorrow")

    assert done.returncode == 2
    assert "expected a date such as 2026-11-24" in " ".join(done.stderr.replace("│", " ").split())


def test_a_bug_shows_its_traceback_and_where_to_report_it(home: Path) -> None:
    """Planted: a module that raises what nobody foresaw stands in for the command's own."""
    program = """
import sys
from types import SimpleNamespace
from spark_jobs.cli.main import main
sys.modules["spark_jobs.cli.releases"] = SimpleNamespace(show=lambda *_, **__: {}["ranker"])
sys.argv = ["nightjar", "releases", "-d", "x"]
main()
"""
    environment = {**os.environ, "NIGHTJAR_HOME": str(home)}

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment)

    assert done.returncode == 70
    assert "Traceback" in done.stderr
    assert "KeyError: 'ranker'" in done.stderr
    assert "bug in Nightjar" in done.stderr
