"""Fetch the JARs of jars.lock, checked by sha256, into .tools/jars (or NIGHTJAR_JARS_DIR). Standard library only.

NIGHTJAR_MAVEN_MIRROR names another Maven repository. JARs that are there already are not fetched again.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MAVEN = "https://repo1.maven.org/maven2"


def main() -> None:
    """Fetch what is missing or exit with one sentence on what is wrong."""
    mirror = os.environ.get("NIGHTJAR_MAVEN_MIRROR", MAVEN).rstrip("/")
    folder = Path(os.environ.get("NIGHTJAR_JARS_DIR", ROOT / ".tools" / "jars"))
    folder.mkdir(parents=True, exist_ok=True)
    lock = Path(os.environ.get("NIGHTJAR_JARS_LOCK", ROOT / "jars.lock"))
    for line in lock.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            checksum, coordinates = line.split()
            fetch(mirror, coordinates, checksum, folder)


def fetch(mirror: str, coordinates: str, checksum: str, folder: Path) -> None:
    """Put one JAR into `folder`, atomically and only with the right checksum."""
    group, artifact, version = coordinates.split(":")
    jar = folder / f"{artifact}-{version}.jar"
    if jar.is_file() and hashlib.sha256(jar.read_bytes()).hexdigest() == checksum:
        return
    url = f"{mirror}/{group.replace('.', '/')}/{artifact}/{version}/{jar.name}"
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            content = answer.read()
    except OSError as error:
        sys.exit(f"Can't fetch {url}: {error}. Check the network or set NIGHTJAR_MAVEN_MIRROR, and run again.")
    found = hashlib.sha256(content).hexdigest()
    if found != checksum:
        sys.exit(f"{url} has sha256 {found}, jars.lock expects {checksum}; nothing was kept. Try another mirror.")
    descriptor, temporary = tempfile.mkstemp(dir=folder)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    Path(temporary).chmod(0o644)
    Path(temporary).replace(jar)
    print(f"fetched {jar.name}", flush=True)


if __name__ == "__main__":
    main()
