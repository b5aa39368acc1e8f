"""Memory of this machine: whether work fits, asked before it starts, and what is free again given back."""

from __future__ import annotations

import ctypes
from pathlib import Path

import psutil
import pyarrow as pa

from spark_jobs.contracts.errors import NightjarError

_CGROUP = Path("/sys/fs/cgroup")


class WontFitError(NightjarError):
    """Work needs more memory than there is; the message says how much of each."""


LESS_TRAINING = "Use fewer or shorter windows (train.windows, train.window_days)"
LESS_SCORING = "Switch candidate sources off (sources: {als: 0}), use fewer cores (NIGHTJAR_SPARK_MASTER=local[1])"
"""What a person can do where training, or scoring, does not fit."""


def require_memory(needed: int, what: str, instead: str = LESS_TRAINING) -> None:
    """Raise WontFitError where `needed` bytes are not free, in the machine or in the container's limit."""
    free = free_bytes()
    if needed > free:
        raise WontFitError(
            f"{what} needs about {needed / 2**30:.1f} GiB of memory, and {free / 2**30:.1f} GiB are free. {instead}, "
            "or a larger machine."
        )


def free_bytes() -> int:
    """Memory that a new process can have."""
    free = int(psutil.virtual_memory().available)
    try:
        limit, used = ((_CGROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
        usage = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
    except OSError:
        return free
    # The kernel counts files that were read as used, and gives them up for whoever asks.
    reclaimable = int(usage.get("inactive_file", 0))
    return free if limit == "max" else min(free, int(limit) - int(used) + reclaimable)


def give_back() -> None:
    """Give the system back what Arrow's pool and the C library keep of memory that was freed, where they can."""
    pa.default_memory_pool().release_unused()
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
