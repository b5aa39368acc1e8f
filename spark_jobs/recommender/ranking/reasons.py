"""Why an item is in a list, in words."""

from __future__ import annotations

import numpy as np

from spark_jobs.recommender.candidates import Candidates
from spark_jobs.recommender.snapshots.retrieval_index import RetrievalIndex
from spark_jobs.recommender.snapshots.user_batch import UserBatch
from spark_jobs.recommender.sources import SOURCES


def main_sources(found: Candidates, pairs: np.ndarray) -> np.ndarray:
    """For each pair the number in SOURCES of the source that ranks it best, ties by SOURCES' order.

    Only sources that proposed the pair count.
    """
    ranks = np.stack([np.where(found.proposed[name][pairs], found.ranks[name][pairs], np.inf) for name in SOURCES])
    return np.asarray(np.argmin(ranks, axis=0))


def reasons(
    batch: UserBatch, index: RetrievalIndex, found: Candidates, pairs: np.ndarray, main: np.ndarray
) -> list[str]:
    """One sentence per pair by its main source, naming the item of the history that counted most where there is one."""
    sources = list(SOURCES.values())
    evidence = np.full(len(pairs), -1)
    for number, source in enumerate(sources):
        if source.evidence:
            mine = np.flatnonzero(main == number)
            evidence[mine] = source.evidence(batch, index, found.users[pairs[mine]], found.items[pairs[mine]])
    return [
        sources[number].words.format(title=index.titles[int(item)].as_py() if item >= 0 else "")
        for number, item in zip(main, evidence, strict=True)
    ]
