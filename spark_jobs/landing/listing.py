"""Which files of a landing folder a domain's tables are made of."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class LandingFile:
    """A file of the landing folder; name, size and change time are its identity."""

    path: str = dataclass_field(compare=False)
    """Absolute path."""
    name: str
    """Path relative to the landing folder, where it lies below it."""
    size: int
    modified_at: datetime


def list_files(landing: Path, pattern: str) -> list[LandingFile]:
    """Files that match `pattern` (a glob, relative to `landing` or absolute), sorted by name."""
    files = []
    for path in sorted(glob.glob(str(landing / pattern), recursive=True)):
        file = Path(path)
        if file.is_file():
            status = file.stat()
            name = str(file.relative_to(landing)) if file.is_relative_to(landing) else str(file)
            modified_at = datetime.fromtimestamp(int(status.st_mtime), UTC)
            files.append(LandingFile(str(file), name, status.st_size, modified_at))
    return files
