"""Why an item is in a list, in words."""

from __future__ import annotations

import numpy as np

from spark_jobs.contracts.features import SOURCES
from spark_jobs.recommender.candidates import Candidates
from spark_jobs.recommender.snapshots.retrieval_index import RetrievalIndex
from spark_jobs.recommender.snapshots.user_batch import UserBatch
from spark_jobs.recommender.sources.item_to_item.source import strongest_evidence

WORDS = {
    "item_to_item": "Because of {title}",
    "als": "People with similar taste took it",
    "own_history": "You took it before",
    "recent_popularity": "Popular these days",
    "popularity": "Popular with everyone",
}


def main_sources(found: Candidates, pairs: np.ndarray) -> np.ndarray:
    """For each pair the index into SOURCES of the source that ranks it best, ties by SOURCES' order.

    Only sources that proposed the pair count.
    """
    ranks = np.stack([np.where(found.proposed[name][pairs], found.ranks[name][pairs], np.inf) for name in SOURCES])
    return np.asarray(np.argmin(ranks, axis=0))


def reasons(
    batch: UserBatch, index: RetrievalIndex, found: Candidates, pairs: np.ndarray, main: np.ndarray
) -> list[str]:
    """One sentence per pair by its main source, naming the item of the history that counted most where there is one."""
    similar = np.flatnonzero(main == SOURCES.index("item_to_item"))
    evidence = np.full(len(pairs), -1)
    evidence[similar] = strongest_evidence(batch, index, found.users[pairs[similar]], found.items[pairs[similar]])
    return [
        WORDS[SOURCES[source]].format(title=index.titles[int(item)].as_py() if item >= 0 else "")
        for source, item in zip(main, evidence, strict=True)
    ]
