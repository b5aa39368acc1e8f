"""Which code runs, for ledgers, models and releases."""

from __future__ import annotations

import subprocess
from functools import lru_cache

from spark_jobs.contracts.settings import PROJECT_ROOT, Settings


def is_reproducible(settings: Settings) -> bool:
    """Whether the version says exactly which code ran, so that what it made can be kept."""
    return not code_version(settings).endswith(("-dirty", "unknown"))


@lru_cache(maxsize=4)
def code_version(settings: Settings) -> str:
    """The setting, else the git commit (`-dirty` with local changes), else `unknown`. Asked once per process."""
    if settings.code_version:
        return settings.code_version
    command = ["git", "-C", str(PROJECT_ROOT), "describe", "--always", "--dirty", "--exclude", "*"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
