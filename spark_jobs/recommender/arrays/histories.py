"""Histories of users as of several moments from their events, in one pass over the events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.contracts.domain import Domain

MICROSECONDS_PER_DAY = 86_400e6
COLUMNS = (
    "as_of date, user_id string, item_ids array<string>, weights array<double>, ages_days array<double>, "
    "repeated array<boolean>, events_total bigint, tenure_days double, blocked_item_ids array<string>"
)

_ARRAYS = {
    "item_ids": "array<string>",
    "weights": "array<double>",
    "ages_days": "array<double>",
    "repeated": "array<boolean>",
    "blocked_item_ids": "array<string>",
}


@dataclass(frozen=True)
class Moment:
    """A snapshot date with the moment it stands for, in microseconds since 1970."""

    day: date
    micros: int


def histories_as_of(interactions: DataFrame, domain: Domain, days: list[date]) -> DataFrame:
    """One row per user and date with events strictly before its start: the latest events, oldest first.

    Ties in time are ordered by item. `blocked_item_ids` follow the domain's already-seen policy.
    """
    moments = [Moment(day, int(domain.start_of(day).timestamp() * 1e6)) for day in days]
    of_types = {event_type: domain.hidden_days(event_type) for event_type in domain.event_weights}
    hidden_days = F.create_map(*[F.lit(part) for pair in of_types.items() for part in pair])
    # All events of a user go through a shuffle: no more than a history needs.
    event = F.struct(
        F.unix_micros("event_at").alias("at"),
        "item_id",
        "weight",
        hidden_days[F.col("event_type")].alias("hidden_days"),
    )
    of_user = interactions.groupBy("user_id").agg(F.collect_list(event).alias("events"))

    def make(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for moment in moments:
                yield _histories(batch, domain, moment)

    return of_user.mapInArrow(make, COLUMNS)


def without_events() -> list[Column]:
    """All columns of a history but date and user, for a user who has no events."""
    empty = {name: F.array().cast(kind) for name, kind in _ARRAYS.items()}
    columns = {**empty, "events_total": F.lit(0).cast("bigint"), "tenure_days": F.lit(float("nan"))}
    return [column.alias(name) for name, column in columns.items()]


def _histories(batch: pa.RecordBatch, domain: Domain, moment: Moment) -> pa.RecordBatch:
    events = pa.Table.from_arrays(
        [pc.list_parent_indices(batch["events"]), *pc.list_flatten(batch["events"]).flatten()],
        ["user", "at", "item_id", "weight", "hidden_days"],
    )
    events = events.filter(pc.less(events["at"], moment.micros))
    descending = [(name, "descending") for name in ("item_id", "weight")]
    events = events.sort_by([("user", "ascending"), ("at", "ascending"), *descending])
    users, first, counts = np.unique(events["user"].to_numpy(), return_index=True, return_counts=True)
    ages = (moment.micros - events["at"].to_numpy()) / MICROSECONDS_PER_DAY
    latest = np.arange(len(ages)) - np.repeat(first + counts, counts) >= -domain.recommendations.history_events
    offsets = pa.array(np.append(0, np.cumsum(np.minimum(counts, domain.recommendations.history_events))), pa.int32())
    columns = {
        "as_of": pa.repeat(pa.scalar(moment.day, pa.date32()), len(users)),
        "user_id": batch["user_id"].take(pa.array(users)),
        "item_ids": _lists(offsets, events["item_id"].filter(pa.array(latest))),
        "weights": _lists(offsets, events["weight"].filter(pa.array(latest))),
        "ages_days": _lists(offsets, pa.array(ages[latest])),
        "repeated": _lists(offsets, pa.array(_repeated(events, ages)[latest])),
        "events_total": pa.array(counts.astype(np.int64)),
        "tenure_days": pa.array(ages[first]),
        "blocked_item_ids": _blocked(events, ages, np.repeat(np.arange(len(users)), counts), len(users)),
    }
    return pa.RecordBatch.from_arrays(list(columns.values()), list(columns))


def _repeated(events: pa.Table, ages: np.ndarray) -> np.ndarray:
    """Of each event, oldest first per user, whether the user had the item more than a day before."""
    items = events["item_id"].combine_chunks().dictionary_encode()
    pairs = events["user"].to_numpy() * len(items.dictionary) + items.indices.to_numpy()
    _, oldest, of_pair = np.unique(pairs, return_index=True, return_inverse=True)
    return np.asarray(ages[oldest][of_pair] - ages > 1)


def _lists(offsets: pa.Array, values: pa.Array | pa.ChunkedArray) -> pa.ListArray:
    return pa.ListArray.from_arrays(offsets, values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values)


def _blocked(events: pa.Table, ages: np.ndarray, rows: np.ndarray, users: int) -> pa.ListArray:
    """Per user the items, sorted, of events that hide theirs at the moment."""
    hidden = ages < events["hidden_days"].to_numpy()
    pairs = pa.table({"user": rows[hidden], "item_id": events["item_id"].filter(pa.array(hidden))})
    pairs = pairs.group_by(["user", "item_id"]).aggregate([]).sort_by([("user", "ascending"), ("item_id", "ascending")])
    counts = np.bincount(pairs["user"].to_numpy(), minlength=users)
    return _lists(pa.array(np.append(0, np.cumsum(counts)), pa.int32()), pairs["item_id"])
