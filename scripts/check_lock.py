"""Check that uv.lock holds public package index lines only, so that anybody can install from it."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

INDEX = "https://pypi.org/simple"
FILES = "https://files.pythonhosted.org/"
REMEDY = "write it again with: env -u UV_DEFAULT_INDEX -u UV_INDEX -u UV_INDEX_URL uv lock"


def problems(lock: Path) -> list[str]:
    """One sentence for every package that does not come from the public index."""
    found = []
    for package in tomllib.loads(lock.read_text(encoding="utf-8")).get("package", []):
        source = package["source"]
        if "editable" in source or "virtual" in source:
            continue
        if source.get("registry") != INDEX:
            found.append(f"{package['name']}: source is {source}, expected the registry {INDEX}")
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        found += [
            f"{package['name']}: {file.get('url')} is not below {FILES}"
            for file in files
            if not str(file.get("url")).startswith(FILES)
        ]
    return found


if __name__ == "__main__":
    path = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[1] / "uv.lock")
    if wrong := problems(path):
        sys.exit("\n".join([*(f"{path}: {line}" for line in wrong), REMEDY]))
