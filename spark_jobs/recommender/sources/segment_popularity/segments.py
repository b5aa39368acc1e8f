"""Segments of users: those with one value of an attribute, or with a number in one range of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import sparse

from spark_jobs.recommender.arrays.attributes import entries

MOST_SEGMENTS, FEWEST_USERS = 100, 5
"""Segments of a snapshot, those with most users first; a smaller one says little, and that of few people."""
MOST_VALUES, RANGES = 30, 10
"""A numeric attribute with more distinct values than this (an age, a postcode) is cut into as many ranges of equally
many users."""


@dataclass(frozen=True)
class Segments:
    """Segments in a fixed order; a user is in one of each known attribute, or in none."""

    table: pa.Table
    """`attribute`, `value`, and `lowest`: the smallest number of a range, NULL for a value."""

    @classmethod
    def of(cls, attributes: pa.MapArray) -> Segments:
        """The segments into which users with these attributes fall."""
        _, names, texts = entries(attributes)
        segments: list[tuple[str, str, float | None]] = []
        for name in np.unique(names):
            segments += [(str(name), value, lowest) for value, lowest in _segments(texts[names == name])]
        columns = zip(*segments, strict=True) if segments else ((), (), ())
        types = {"attribute": pa.string(), "value": pa.string(), "lowest": pa.float64()}
        arrays = [pa.array(column, kind) for column, kind in zip(columns, types.values(), strict=True)]
        every = cls(pa.table(arrays, names=list(types)))
        users = np.asarray(every.members(attributes).sum(axis=0)).ravel()
        largest = np.argsort(-users, kind="stable")[:MOST_SEGMENTS]
        return cls(every.table.take(pa.array(np.sort(largest[users[largest] >= FEWEST_USERS]))))

    def members(self, attributes: pa.MapArray) -> sparse.csr_matrix:
        """users × segments, float32, 1 where the user is in the segment."""
        owners, names, texts = entries(attributes)
        rows, columns = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for name, numbers, values, lowest in self._by_attribute:
            of_name = names == name
            place = _ranges(texts[of_name], lowest) if values is None else pd.Index(values).get_indexer(texts[of_name])
            rows.append(owners[of_name][place >= 0])
            columns.append(numbers[place[place >= 0]])
        cells = np.concatenate(rows), np.concatenate(columns)
        ones = np.ones(len(cells[0]), dtype=np.float32)
        return sparse.csr_matrix((ones, cells), shape=(len(attributes), self.table.num_rows))

    @cached_property
    def _by_attribute(self) -> list[tuple[str, np.ndarray, np.ndarray | None, np.ndarray]]:
        """Per attribute the numbers of its segments, their values (None for ranges), and lowest numbers, ascending."""
        names = np.asarray(self.table["attribute"].to_pylist(), dtype=object)
        values = np.asarray(self.table["value"].to_pylist(), dtype=object)
        lowest = self.table["lowest"].to_numpy()
        segments: list[tuple[str, np.ndarray, np.ndarray | None, np.ndarray]] = []
        for name in np.unique(names.astype(str)):
            numbers = np.flatnonzero(names == name)
            of_ranges = not np.isnan(lowest[numbers]).any()
            numbers = numbers[np.argsort(lowest[numbers], kind="stable")] if of_ranges else numbers
            segments.append((str(name), numbers, None if of_ranges else values[numbers], lowest[numbers]))
        return segments


def _segments(texts: np.ndarray) -> list[tuple[str, float | None]]:
    """Value and lowest number of the segments of one attribute."""
    texts = texts[texts != ""]
    values = np.unique(texts)
    numbers = _as_numbers(texts)
    if len(values) <= MOST_VALUES or np.isnan(numbers).any():
        return [(str(value), None) for value in values]
    lowest = np.unique(np.quantile(numbers, np.arange(RANGES) / RANGES, method="higher"))
    place = np.searchsorted(lowest, numbers, side="right") - 1
    highest = [numbers[place == number].max() for number in range(len(lowest))]
    return [(f"{low:g} to {high:g}", float(low)) for low, high in zip(lowest, highest, strict=True)]


def _ranges(texts: np.ndarray, lowest: np.ndarray) -> np.ndarray:
    """Place of the range of each number, -1 for what is none; what is below all is in the first."""
    numbers = _as_numbers(texts)
    return np.where(np.isnan(numbers), -1, np.maximum(np.searchsorted(lowest, numbers, side="right") - 1, 0))


def _as_numbers(texts: np.ndarray) -> np.ndarray:
    return np.asarray(pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce"), dtype=float)
