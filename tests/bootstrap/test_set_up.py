"""Java detection, the lock check and the demo data, through the scripts themselves."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"

sys.path.insert(0, str(SCRIPTS))
import java  # noqa: E402


def fake_java(folder: Path, banner: str) -> Path:
    (folder / "bin").mkdir(parents=True)
    program = folder / "bin" / "java"
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{banner}\"' >&2\n")
    program.chmod(0o755)
    return folder


@pytest.mark.parametrize(("banner", "major"), [("1.8.0_392", 8), ("11.0.2", 11), ("17.0.15", 17), ("21", 21)])
def test_java_versions_are_understood(tmp_path: Path, banner: str, major: int) -> None:
    assert java.java_version(fake_java(tmp_path / "jdk", banner) / "bin" / "java") == major


def test_an_old_java_is_named_and_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = fake_java(tmp_path / "old", "1.8.0_392"), fake_java(tmp_path / "new", "21.0.8")
    monkeypatch.setenv("NIGHTJAR_JAVA_HOME", "")
    monkeypatch.setenv("JAVA_HOME", str(old))
    monkeypatch.setenv("PATH", f"{new}/bin:{os.environ['PATH']}")
    home, remarks = java.find_java()

    assert home == new
    assert len(remarks) == 1
    assert "is Java 8, 17 or newer is needed" in remarks[0]


def test_the_shim_drops_only_the_module_that_is_missing(tmp_path: Path) -> None:
    echo = tmp_path / "echo"
    echo.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    echo.chmod(0o755)
    home = java.write_shim(echo, tmp_path / "java")
    arguments = ["--add-modules=jdk.incubator.vector", "-cp", "a b", "--add-modules=java.sql"]
    done = subprocess.run([home / "bin" / "java", *arguments], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == arguments[1:]


def test_the_lock_holds_public_lines_only(tmp_path: Path) -> None:
    command = [sys.executable, SCRIPTS / "check_lock.py"]

    assert subprocess.run(command, check=False).returncode == 0

    private = tmp_path / "uv.lock"
    private.write_text(
        (ROOT / "uv.lock").read_text().replace("https://pypi.org/simple", "https://mirror.example/simple", 1)
    )
    done = subprocess.run([*command, private], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "mirror.example" in done.stderr
    assert "uv lock" in done.stderr


def grouplens_archive() -> bytes:
    files = {
        "u.genre": "unknown|0\nAction|1\nComedy|2\n",
        "u.item": "1|Amélie (2001)|01-Jan-2001||http://x|0|0|1\n2|unknown|||http://x|1|0|0\n",
        "u.user": "1|24|M|technician|85711\n",
        "u.data": "1\t2\t3\t200\n1\t1\t5\t100\n",
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"ml-100k/{name}", text.encode("latin-1"))
    return content.getvalue()


def test_demo_data_from_its_official_home(tmp_path: Path) -> None:
    archive = tmp_path / "ml-100k.zip"
    archive.write_bytes(grouplens_archive())
    environment = {
        **os.environ,
        "NIGHTJAR_HOME": str(tmp_path),
        "NIGHTJAR_DEMO_DATA_URL": archive.as_uri(),
        "NIGHTJAR_DEMO_DATA_MD5": hashlib.md5(archive.read_bytes()).hexdigest(),
    }
    command = [sys.executable, SCRIPTS / "fetch_demo_data.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    landing = tmp_path / "landing" / "movielens-100k"

    assert "from GroupLens: 2 ratings" in done.stdout
    assert "not to be redistributed" in done.stdout
    assert (landing / "ratings.csv").read_text() == "user_id,item_id,rating,timestamp\n1,1,5,100\n1,2,3,200\n"
    assert (landing / "movies.csv").read_text().splitlines()[1:] == ["1,Amélie (2001),2001,Comedy", "2,unknown,,"]

    archive.unlink()
    again = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)

    assert again.stdout == ""


def test_demo_data_without_any_network_is_one_sentence(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "NIGHTJAR_HOME": str(tmp_path),
        "NIGHTJAR_DEMO_DATA_URL": "http://127.0.0.1:9/",
        "PIP_INDEX_URL": "http://127.0.0.1:9/",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path),
    }
    command = [sys.executable, SCRIPTS / "fetch_demo_data.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    assert done.returncode == 1
    assert "Check the network and run again" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path).rglob("*.csv"))
