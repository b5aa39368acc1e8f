"""What people decide about lists: items that are blocked, pinned or boosted, and how many of a category there may be.

Rules come after the ranker and the balance of exposure, and they are absolute: blocks before pins, and pins before the
rest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from spark_jobs.contracts.domain.policies import ListRule, Rules
from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex
from spark_jobs.recommender.candidates import Candidates

PINNED = "pinned"
"""Named as the source of rows that a pin put there."""


@dataclass(frozen=True)
class Shape:
    """The rules of one night as arrays aligned with an index."""

    per_user: int
    boosts: np.ndarray
    """Standard deviations of a user's scores that are added, float64 per item."""
    pins: tuple[tuple[int, int], ...] = ()
    """Places (from 0) and items, first places first."""
    max_per_category: int | None = None


def shape_of(rules: Rules, per_user: int, index: RetrievalIndex, run_date: date) -> Shape:
    """The rules that hold for the run date. Pins of items that may not be recommended are left out."""
    boosts = np.zeros(index.items)
    for boost in rules.boost:
        if boost.holds(run_date):
            boosts[items_of(boost, index)] += boost.by
    placed = [(pin.place - 1, item) for pin in rules.pin if pin.holds(run_date) for item in items_of(pin, index)]
    pins = tuple(sorted((place, int(item)) for place, item in placed if index.eligible[item]))
    return Shape(per_user, boosts, pins, rules.max_per_category)


def without_blocked(rules: Rules, index: RetrievalIndex, run_date: date) -> RetrievalIndex:
    """The index, with nothing eligible that a rule blocks."""
    eligible = index.eligible.copy()
    for block in rules.block:
        if block.holds(run_date):
            eligible[items_of(block, index)] = False
    return replace(index, eligible=eligible)


def items_of(rule: ListRule, index: RetrievalIndex) -> np.ndarray:
    """Positions of the items that a rule is about; none where the catalogue does not have them."""
    if rule.item is not None:
        position = index.item_ids.index(rule.item).as_py()
        return np.array([position] if position >= 0 else [], dtype=np.int64)
    if rule.category not in index.category_names:
        return np.array([], dtype=np.int64)
    column = index.categories[:, [index.category_names.index(rule.category)]]
    return np.asarray(column.tocoo().row, dtype=np.int64)


def may_fill(candidates: Candidates, scores: np.ndarray, index: RetrievalIndex, shape: Shape) -> np.ndarray:
    """bool per pair: it has no place of its own, and is among the first of each of its categories for its user."""
    free = ~np.isin(candidates.items, [item for _, item in shape.pins])
    if shape.max_per_category is None:
        return free
    pairs = np.flatnonzero(free)
    of_pairs = index.categories[candidates.items[pairs]]
    owners = pairs[np.repeat(np.arange(len(pairs)), np.diff(of_pairs.indptr))]
    order = np.lexsort((candidates.items[owners], -scores[owners], of_pairs.indices, candidates.users[owners]))
    groups = candidates.users[owners[order]] * index.categories.shape[1] + of_pairs.indices[order]
    places = np.arange(len(order)) - np.searchsorted(groups, groups)
    free[owners[order][places >= shape.max_per_category]] = False
    return free


def with_pins(lists: np.ndarray, pairs: np.ndarray, allowed: np.ndarray, shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """Lists with every pinned item at its place, or at the end of a list that is too short; the rest moves down.

    `lists` holds item positions (users × per_user, -1 beyond the end) without pinned items, `pairs` the pair of each,
    and `allowed` is users × items. Pinned entries have no pair, -1.
    """
    columns, lists, pairs = np.arange(lists.shape[1]), lists.copy(), pairs.copy()
    for place, item in shape.pins:
        mine = allowed[:, [item]]
        at = np.minimum(place, (lists >= 0).sum(axis=1))[:, None]
        moved = np.maximum(columns - (columns > at), 0)
        for matrix, value in ((lists, item), (pairs, -1)):
            inserted = np.where(columns == at, value, np.take_along_axis(matrix, moved, axis=1))
            matrix[:] = np.where(mine, inserted, matrix)
    return lists, pairs
