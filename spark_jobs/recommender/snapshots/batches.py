"""Cut Arrow batches so that users × items stays within a fixed amount of memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

CELLS_PER_BATCH = 4_000_000
"""users × items of one batch; a few arrays of that many 4-byte scores are alive at a time."""


def resized(batches: Iterable[pa.RecordBatch], items: int) -> Iterator[pa.RecordBatch]:
    """The batches, sliced to at most CELLS_PER_BATCH / items users each."""
    users = max(1, CELLS_PER_BATCH // max(items, 1))
    for batch in batches:
        for start in range(0, batch.num_rows, users):
            yield batch.slice(start, users)
