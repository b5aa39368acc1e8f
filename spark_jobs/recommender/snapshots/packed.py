"""Sorting pairs of user and item, or of item and item, by score."""

from __future__ import annotations

import numpy as np

_STEPS = 256
_GROUP = 16
"""Items of which only the best is looked at, to find how good a score must be; a pass over all takes a third."""
_SMALLEST = np.finfo(np.float32).tiny


def best_pairs(users: np.ndarray, items: np.ndarray, values: np.ndarray, count: int, items_below: int) -> np.ndarray:
    """Numbers of the `count` pairs with the largest positive value of each user, user by user, best first.

    Ties are in item order; `users` ascend.
    """
    kept = near_the_best(users, values, count)
    best = kept[descending(users[kept], values[kept], items[kept], items_below)]
    places, _ = places_of(users[best])
    return np.asarray(best[places < count])


def near_the_best(users: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Numbers of pairs, among them the `count` largest positive float32 values of each user and all that tie with them.

    One pass over a histogram per user takes a tenth of the time of sorting all pairs; `users` ascend.
    """
    sizes, bits = np.bincount(users), _bits(values)
    largest, present = np.zeros(len(sizes), dtype=np.uint32), np.flatnonzero(sizes)
    largest[present] = np.maximum.reduceat(bits, (np.cumsum(sizes) - sizes)[present]) if len(bits) else 0
    # Sixteen steps per power of two below the user's largest value; the last step holds all the rest.
    steps = np.minimum((np.repeat(largest, sizes) - bits) >> np.uint32(19), _STEPS - 1)
    within = np.bincount(users * _STEPS + steps, minlength=len(sizes) * _STEPS).reshape(-1, _STEPS)
    reach = (np.cumsum(within, axis=1) < count).sum(axis=1)
    return np.flatnonzero(steps <= np.repeat(reach, sizes))


def near_the_best_of_rows(values: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of cells, row by row: the `count` largest positive ones of each row, all ties, and some more."""
    width = values.shape[1]
    least = np.full((len(values), 1), _SMALLEST, dtype=values.dtype)
    if 0 < count <= width // _GROUP:
        # As many groups reach the last of the groups' best that counts: nothing below it is among the best.
        groups = width // _GROUP
        tops = values[:, : groups * _GROUP].reshape(-1, _GROUP, groups).max(axis=1)
        least = np.maximum(least, np.partition(tops, groups - count, axis=1)[:, [groups - count]])
    # Several times as fast as the nonzero of a matrix.
    rows, columns = np.divmod(np.flatnonzero(values >= least), width)
    return rows, columns


def descending(users: np.ndarray, values: np.ndarray, ids: np.ndarray, ids_below: int) -> np.ndarray:
    """The order of pairs by user, then by positive float32 value, largest first, then by id.

    Sorts one packed integer per pair, which takes a tenth of the time of sorting by three keys: the bits of positive
    floats are ordered as they are. Users and ids must fit 32 bits together.
    """
    width = np.uint64(max(ids_below - 1, 1).bit_length())
    if int(users.max(initial=0)).bit_length() + int(width) > 32:
        raise ValueError(f"{int(users.max()) + 1:,} × {ids_below:,} cells are too many to be sorted at once")
    down = (np.uint32(0xFFFFFFFF) - _bits(values)).astype(np.uint64)
    return np.argsort((((users.astype(np.uint64) << np.uint64(32)) | down) << width) | ids.astype(np.uint64))


def _bits(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)


def places_of(users: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Place of each pair among its user's, from 0, and of each user the number of the first pair; `users` ascend."""
    counts = np.bincount(users)
    firsts = np.cumsum(counts) - counts
    return np.arange(len(users)) - firsts[users], firsts
