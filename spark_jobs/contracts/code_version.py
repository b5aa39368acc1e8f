"""Which code runs, for ledgers, models and releases."""

from __future__ import annotations

import hashlib
import subprocess
from functools import lru_cache
from pathlib import Path

from spark_jobs.contracts.errors import NightjarError
from spark_jobs.contracts.settings import PROJECT_ROOT, Settings


def is_reproducible(settings: Settings) -> bool:
    """Whether the version says exactly which code ran, so that what it made can be kept."""
    return not code_version(settings).endswith("-dirty")


class UncommittedCodeError(NightjarError):
    """The code has local changes where it must not."""


def require_committed(settings: Settings) -> None:
    """Raise UncommittedCodeError where no commit says which code runs, unless a setting allows it."""
    if not (is_reproducible(settings) or settings.allow_uncommitted):
        raise UncommittedCodeError(
            f"{PROJECT_ROOT} has changes that are not committed (git status), so that nobody could make this night's "
            "lists again. Commit them, or set NIGHTJAR_ALLOW_UNCOMMITTED=true; nights by hand run all the same."
        )


@lru_cache(maxsize=4)
def code_version(settings: Settings) -> str:
    """The setting, else the git commit (`-dirty` with local changes), else a digest; asked once per process."""
    if settings.code_version:
        return settings.code_version
    command = ["git", "-C", str(PROJECT_ROOT), "describe", "--always", "--dirty", "--exclude", "*"]
    try:
        described = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return code_digest()
    return described.stdout.strip() or code_digest()


def code_digest() -> str:
    """`code-` and a digest of every Python file of the package: for containers and wheels, which have no repository."""
    digest, package = hashlib.sha256(), Path(__file__).parents[1]
    for path in sorted(package.rglob("*.py")):
        digest.update(str(path.relative_to(package)).encode() + path.read_bytes())
    return f"code-{digest.hexdigest()[:12]}"
