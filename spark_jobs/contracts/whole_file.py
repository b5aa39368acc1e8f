"""Files that readers see whole or not at all, also where several write at once."""

from __future__ import annotations

import os
import threading
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Replace the file in one step; each writer has a temporary file of its own, and the last one holds."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
