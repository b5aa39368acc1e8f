"""What a candidate source is: one folder that owns its fit, its scores, its arrays and its words."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex
    from spark_jobs.recommender.arrays.scores import Scores
    from spark_jobs.recommender.arrays.user_batch import UserBatch

Scorer = Callable[["UserBatch", "RetrievalIndex"], "Scores"]
"""Scores of the users of a batch for all items."""
ExplainingItem = Callable[["UserBatch", "RetrievalIndex", np.ndarray, np.ndarray], np.ndarray]
"""For (user row, item) pairs the position of the history item that speaks most for each, -1 for none."""


@dataclass(frozen=True)
class FittedModel:
    """What a source learns every night: the table it lies in, and the table's rows of one snapshot as arrays."""

    table: str
    arrays: Callable[[pa.RecordBatchReader, pa.StringArray, Collection[str]], dict[str, Any]]
    """From all rows, the snapshot's item ids and the sources that share the table to what `RetrievalIndex.fitted` holds
    for each; one function per table, so that it is read once."""


@dataclass(frozen=True)
class Source:
    """One way to propose items."""

    name: str
    description: str
    reason_template: str
    """The published reason; `{title}` names the item of the history that `evidence` finds."""
    candidates_per_user: int
    """Items proposed per user where it is on and the domain file says no other number."""
    scores: Scorer
    fitted: FittedModel | None = None
    explaining_item: ExplainingItem | None = None
