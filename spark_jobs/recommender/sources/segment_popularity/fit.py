"""How the popularity of items in each segment departs from that with everybody."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy import sparse

from spark_jobs.recommender.arrays.batches import by_snapshot
from spark_jobs.recommender.arrays.user_item_matrix import user_item_matrix
from spark_jobs.recommender.sources.segment_popularity.segments import Segments

COLUMNS = (
    "as_of date, attribute string, value string, lowest double, users bigint, item_ids array<string>, "
    "departures array<double>"
)
PRIOR_EVENTS = 2_000.0
"""Events of everybody that each segment is given, so that a small one departs little."""
LEADERS = 500
"""Items kept per segment: so many that are popular in it, and so many that are with everybody."""


def segment_popularity(histories: DataFrame) -> DataFrame:
    """Rows of gold.segment_popularity from histories with `attributes`, for every snapshot in them."""
    known = histories.where(F.size("attributes") > 0)
    users, _ = by_snapshot(known, "item_ids", "weights", "attributes")
    return users.applyInArrow(departures, COLUMNS)


def departures(histories: pa.Table) -> pa.Table:
    """Segments of one snapshot, and by how much the shares of items depart in each."""
    histories = histories.sort_by("user_id").combine_chunks()
    segments, (ids, weights) = Segments.of(histories["attributes"].combine_chunks()), user_item_matrix(histories)
    members = segments.members(histories["attributes"].combine_chunks())
    everybody = np.asarray(weights.sum(axis=0)).ravel()
    shares = everybody / max(everybody.sum(), 1.0)
    leaders = np.sort(np.argsort(-shares, kind="stable")[:LEADERS])
    counted = sparse.csr_matrix(members.T @ weights)
    by_segment = [_departures(counted[number], shares, leaders) for number in range(counted.shape[0])]
    names = np.asarray(ids, dtype=object)
    rows = pa.table(
        {
            "as_of": pa.repeat(histories["as_of"][0], len(by_segment)),
            **{name: segments.table[name] for name in ("attribute", "value", "lowest")},
            "users": pa.array(np.asarray(members.sum(axis=0)).ravel().astype(np.int64)),
            "item_ids": pa.array([names[items].tolist() for items, _ in by_segment], pa.list_(pa.string())),
            "departures": pa.array([values.tolist() for _, values in by_segment], pa.list_(pa.float64())),
        }
    )
    return rows.slice(0, len(by_segment) if ids else 0)


def _departures(counts: sparse.csr_matrix, shares: np.ndarray, leaders: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Items and departures of one segment; rounded, so that the order of summation can't show."""
    items = np.union1d(counts.indices, leaders)
    own = np.zeros(len(items))
    own[np.searchsorted(items, counts.indices)] = counts.data
    smoothed = (own + PRIOR_EVENTS * shares[items]) / (own.sum() + PRIOR_EVENTS)
    kept = np.isin(items, leaders)
    kept[np.argsort(-smoothed, kind="stable")[:LEADERS]] = True
    return items[kept], np.round(smoothed - shares[items], 9)[kept]
