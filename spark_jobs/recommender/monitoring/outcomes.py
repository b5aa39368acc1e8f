"""What lists came to: hits and metrics per user of the lists as published, and of what else could have been shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from spark_jobs.recommender.evaluation.evaluator import FIRST_TIME, NEW_EVENTS
from spark_jobs.recommender.evaluation.metrics import ACCURACY, LIST_LENGTH, SLICED, recall_at

METRICS = (*SLICED, "recall_of_list")
"""What is measured of every user: as evaluations do, and recall at the list's own length."""
COLUMNS = "user_id string, model string, segment string, top_items array<string>, hits array<boolean>, " + ", ".join(
    f"{name} double" for name in METRICS
)
_SCHEMA = pa.schema(
    [("user_id", pa.string()), ("model", pa.string()), ("segment", pa.string())]
    + [("top_items", pa.list_(pa.string())), ("hits", pa.list_(pa.bool_()))]
    + [(name, pa.float64()) for name in METRICS]
)
User = Mapping[str, Any]
"""`user_id`, `relevant` items, `blocked_item_ids`, history as of the night, and `lists` by model."""
Lister = Callable[[User], Sequence[str] | None]
"""A user's list by one model; None where the model has none for the user."""


def realised(listers: Mapping[str, Lister], length: int, heavy_from: float) -> Callable[..., Iterator[pa.RecordBatch]]:
    """A function for `mapInArrow` from users with their lists and what they took to one row per user and model."""

    def measure(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            users = batch.to_pylist()
            for model, lister in listers.items():
                listed = [(user, items[:length]) for user in users if (items := lister(user)) is not None]
                if listed:
                    yield _rows(model, listed, length, heavy_from)

    return measure


def _rows(model: str, listed: list[tuple[User, Sequence[str]]], length: int, heavy_from: float) -> pa.RecordBatch:
    hits = np.zeros((len(listed), max(length, LIST_LENGTH)), dtype=bool)
    relevant = np.array([len(user["relevant"]) for user, _ in listed])
    for row, (user, items) in enumerate(listed):
        taken = set(user["relevant"])
        hits[row, : len(items)] = [item in taken for item in items]
    measured = {name: ACCURACY[name](hits, relevant) for name in SLICED}
    measured["recall_of_list"] = recall_at(hits, relevant, length)
    columns: dict[str, Any] = {
        "user_id": [user["user_id"] for user, _ in listed],
        "model": [model] * len(listed),
        "segment": [segment_of(user["events_total"], heavy_from) for user, _ in listed],
        "top_items": [list(items) for _, items in listed],
        "hits": [hits[row, : len(items)].tolist() for row, (_, items) in enumerate(listed)],
    }
    return pa.RecordBatch.from_pydict(columns | measured, schema=_SCHEMA)


def segment_of(events: int, heavy_from: float) -> str:
    """The segment of a user with so many events, as evaluations name them.

    >>> [segment_of(events, heavy_from=20) for events in (0, 3, 9, 40)]
    ['first-time', 'new', 'light', 'heavy']
    """
    if events == 0:
        return FIRST_TIME
    return "new" if events < NEW_EVENTS else "heavy" if events >= heavy_from else "light"


def published(model: str) -> Lister:
    """The list that a release had for the user."""

    def lister(user: User) -> Sequence[str] | None:
        items: Sequence[str] | None = user[model]
        return items

    return lister


def most_popular(popular: Sequence[str], length: int) -> Lister:
    """The most popular items that the already-seen policy does not hide from the user."""

    def lister(user: User) -> Sequence[str]:
        blocked = set(user["blocked_item_ids"])
        return [item for item in popular if item not in blocked][:length]

    return lister


def most_frequent(eligible: frozenset[str]) -> Lister:
    """What the user took most often, the latest first of equals, of what may be shown.

    >>> user = {"item_ids": ["a", "b", "a", "c"], "weights": [1, 1, 1, -1], "blocked_item_ids": []}
    >>> most_frequent(frozenset("abc"))(user)
    ['a', 'b']
    """

    def lister(user: User) -> Sequence[str]:
        taken = [item for item, weight in zip(user["item_ids"], user["weights"], strict=True) if weight > 0]
        counts, latest = Counter(taken), {item: place for place, item in enumerate(taken)}
        allowed = eligible.difference(user["blocked_item_ids"])
        return sorted(allowed.intersection(counts), key=lambda item: (-counts[item], -latest[item]))

    return lister
