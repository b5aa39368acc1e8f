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
