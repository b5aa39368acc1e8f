"""Why an item is in a list, in words."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex
from spark_jobs.recommender.arrays.user_batch import UserBatch
from spark_jobs.recommender.candidates import Candidates
from spark_jobs.recommender.sources import SOURCES


def main_sources(candidates: Candidates, pairs: np.ndarray) -> np.ndarray:
    """For each pair the number in SOURCES of the source that ranks it best, ties by SOURCES' order.

    Only sources that proposed the pair count.
    """
    ranks = np.stack(
        [np.where(candidates.proposed[name][pairs], candidates.ranks[name][pairs], np.inf) for name in SOURCES]
    )
    return np.asarray(np.argmin(ranks, axis=0))


def source_names(candidates: Candidates, pairs: np.ndarray, main: np.ndarray) -> pa.ListArray:
    """Names of the sources that proposed each pair, the main one first."""
    names = list(SOURCES)
    proposed = np.stack([candidates.proposed[name][pairs] for name in names], axis=1)
    # Few combinations of sources occur, so each is put into words once.
    combinations, which = np.unique(np.column_stack([main, proposed]), axis=0, return_inverse=True)
    lists = [
        [names[first], *(name for name, by_it in zip(names, flags, strict=True) if by_it and name != names[first])]
        for first, *flags in combinations.tolist()
    ]
    return pa.array(lists, pa.list_(pa.string())).take(pa.array(which.ravel()))


def reasons(
    batch: UserBatch, index: RetrievalIndex, candidates: Candidates, pairs: np.ndarray, main: np.ndarray
) -> pa.StringArray:
    """One sentence per pair by its main source, naming the item of the history that counted most where there is one."""
    words = pa.array([source.reason_template for source in SOURCES.values()], pa.string()).take(pa.array(main))
    for number, source in enumerate(SOURCES.values()):
        mine = main == number
        if source.explaining_item and mine.any():
            items = source.explaining_item(batch, index, candidates.users[pairs[mine]], candidates.items[pairs[mine]])
            before, after = source.reason_template.split("{title}")
            titles = pc.fill_null(index.titles.take(pa.array(items, mask=items < 0)), "")
            sentences = pc.binary_join_element_wise(before, titles, after, "")
            words = pc.replace_with_mask(words, pa.array(mine), sentences)
    return words
