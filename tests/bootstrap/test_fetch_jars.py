"""The JAR fetcher against a mirror of its own: right, wrong, gone, and never half-written."""

from __future__ import annotations

import hashlib
import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "fetch_jars.py"
JAR = b"a jar"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[str]:
    jar = tmp_path / "maven" / "org" / "example" / "thing" / "1.0" / "thing-1.0.jar"
    jar.parent.mkdir(parents=True)
    jar.write_bytes(JAR)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "maven")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def fetch(tmp_path: Path, mirror: str, checksum: str) -> subprocess.CompletedProcess[str]:
    lock = tmp_path / "jars.lock"
    lock.write_text(f"# comment\n{checksum}  org.example:thing:1.0\n")
    environment = {
        "NIGHTJAR_JARS_LOCK": str(lock),
        "NIGHTJAR_JARS_DIR": str(tmp_path / "jars"),
        "NIGHTJAR_MAVEN_MIRROR": mirror,
    }
    return subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=False, env=environment)


def test_fetches_once_and_then_needs_no_network(tmp_path: Path, mirror: str) -> None:
    checksum = hashlib.sha256(JAR).hexdigest()

    assert fetch(tmp_path, mirror, checksum).returncode == 0
    assert (tmp_path / "jars" / "thing-1.0.jar").read_bytes() == JAR

    again = fetch(tmp_path, "http://127.0.0.1:9", checksum)

    assert again.returncode == 0
    assert again.stdout == ""


def test_a_wrong_checksum_keeps_nothing(tmp_path: Path, mirror: str) -> None:
    done = fetch(tmp_path, mirror, "0" * 64)

    assert done.returncode == 1
    assert "jars.lock expects 000" in done.stderr
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "jars").iterdir()) == []


def test_no_network_says_what_to_do(tmp_path: Path) -> None:
    done = fetch(tmp_path, "http://127.0.0.1:9", "0" * 64)

    assert done.returncode == 1
    assert "NIGHTJAR_MAVEN_MIRROR" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_jar_is_fetched_again(tmp_path: Path, mirror: str) -> None:
    (tmp_path / "jars").mkdir()
    (tmp_path / "jars" / "thing-1.0.jar").write_bytes(b"half")

    assert fetch(tmp_path, mirror, hashlib.sha256(JAR).hexdigest()).returncode == 0
    assert (tmp_path / "jars" / "thing-1.0.jar").read_bytes() == JAR
