"""A snapshot's index where workers find it: mapped into memory once on one machine, broadcast on a cluster."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import joblib
from pyspark import SparkContext, SparkFiles

from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex


class SharedIndex(Protocol):
    """An index that a function for Spark's workers can hold without carrying it along."""

    @property
    def value(self) -> RetrievalIndex:
        """The index, loaded once per process."""

    def destroy(self) -> None:
        """Let go of it, when no worker needs it any more."""


@dataclass(frozen=True)
class MappedIndex:
    """An index in a file; its arrays are in memory once, however many processes of the machine read them."""

    path: Path

    @property
    def value(self) -> RetrievalIndex:
        """See SharedIndex."""
        return _mapped(self.path)

    def destroy(self) -> None:
        """See SharedIndex."""
        self.path.unlink(missing_ok=True)


def share(context: SparkContext, index: RetrievalIndex) -> SharedIndex:
    """The index for workers, and for the driver to use in place of the one given, so that that can go."""
    if not str(context.master).startswith("local"):
        return context.broadcast(index)
    # Spark removes this folder when it ends, also where nobody destroys the index.
    path = Path(SparkFiles.getRootDirectory()) / f"index-{uuid.uuid4().hex}"
    joblib.dump(index, path)
    return MappedIndex(path)


# One at a time: what workers derive from an index is theirs alone, and they go through snapshots in order.
@lru_cache(maxsize=1)
def _mapped(path: Path) -> RetrievalIndex:
    index: RetrievalIndex = joblib.load(path, mmap_mode="r")
    return index
