"""Why an item is in a list, in words."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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


def source_names(found: Candidates, pairs: np.ndarray, main: np.ndarray) -> pa.ListArray:
    """Names of the sources that proposed each pair, the main one first."""
    names = list(SOURCES)
    proposed = sum(found.proposed[name][pairs].astype(np.int64) << k for k, name in enumerate(names))
    # Few combinations occur, so each is put into words once.
    combinations, which = np.unique(main << len(names) | proposed, return_inverse=True)
    told = [
        [names[first], *(name for k, name in enumerate(names) if mask >> k & 1 and k != first)]
        for first, mask in zip(*np.divmod(combinations, 1 << len(names)), strict=True)
    ]
    return pa.array(told, pa.list_(pa.string())).take(pa.array(which))


def reasons(
    batch: UserBatch, index: RetrievalIndex, found: Candidates, pairs: np.ndarray, main: np.ndarray
) -> pa.StringArray:
    """One sentence per pair by its main source, naming the item of the history that counted most where there is one."""
    words = pa.array([source.words for source in SOURCES.values()], pa.string()).take(pa.array(main))
    for number, source in enumerate(SOURCES.values()):
        mine = main == number
        if source.evidence and mine.any():
            items = source.evidence(batch, index, found.users[pairs[mine]], found.items[pairs[mine]])
            before, after = source.words.split("{title}")
            titles = pc.fill_null(index.titles.take(pa.array(items, mask=items < 0)), "")
            told = pc.binary_join_element_wise(before, titles, after, "")
            words = pc.replace_with_mask(words, pa.array(mine), told)
    return words
