"""Which files of a landing folder a domain's tables are made of."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from spark_jobs.contracts.storage import Location

UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart")
"""Endings that programs give to files they are still writing."""


@dataclass(frozen=True)
class LandingFile:
    """A file of the landing folder; name, size and change time are its identity."""

    path: str = dataclass_field(compare=False)
    """Absolute path."""
    name: str
    """Path relative to the landing folder, where it lies below it."""
    size: int
    modified_at: datetime


def list_files(landing: Location, pattern: str) -> list[LandingFile]:
    """Files that match `pattern` (a glob, relative to the landing folder or absolute), sorted by name."""
    root = Path(landing.uri)
    files = []
    for file in _matching(landing, pattern):
        if not is_hidden(file.name):
            status = file.stat()
            name = str(file.relative_to(root)) if file.is_relative_to(root) else str(file)
            modified_at = datetime.fromtimestamp(int(status.st_mtime), UTC)
            files.append(LandingFile(str(file), name, status.st_size, modified_at))
    return files


def settled(files: list[LandingFile], minutes: int, now: datetime) -> list[LandingFile]:
    """The files that nobody has changed for so long; the others may still be written.

    A time in the future is another machine's clock, and says nothing.
    """
    return [file for file in files if not timedelta() <= now - file.modified_at < timedelta(minutes=minutes)]


def is_hidden(name: str) -> bool:
    """Whether the name says that the file is not, or not yet, a delivery: `_SUCCESS`, `.part`; Spark reads none."""
    return name.startswith(("_", ".")) or name.endswith(UNFINISHED)


def hidden_files(landing: Location, pattern: str) -> list[str]:
    """Names of files that match the pattern and are left alone for their name."""
    return sorted(file.name for file in _matching(landing, pattern) if is_hidden(file.name))


def _matching(landing: Location, pattern: str) -> list[Path]:
    found = sorted(glob.glob(str(Path(glob.escape(landing.uri)) / pattern), recursive=True))
    # `..` goes as it goes for Spark.
    return [path for path in map(Path, map(os.path.normpath, found)) if path.is_file()]


def describe_missing(landing: Location, pattern: str) -> str:
    """What was looked for where nothing matches, and what is there instead."""
    root = Path(landing.uri)
    folder = root / pattern
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    names = sorted(path.name + "/" * path.is_dir() for path in folder.iterdir())
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") or "nothing"
    return f"no file matches {root / pattern}; in {folder} there is: {shown} (NIGHTJAR_LANDING_DIR moves the folder)"
