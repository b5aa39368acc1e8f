"""Attributes of items or users, maps of strings to strings, as flat arrays."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

LONGEST = 100
"""Characters of a category or an attribute that tell it from others."""


def entries(attributes: pa.MapArray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, name and value of every attribute, all of one length; the value is empty where it is NULL."""
    lists = attributes.cast(pa.list_(attributes.type.field(0).type))
    pairs = pc.list_flatten(lists)
    return pc.list_parent_indices(lists).to_numpy(), texts(pairs.field(0)), texts(pairs.field(1))


def texts(values: pa.Array) -> np.ndarray:
    """The first LONGEST characters of the values as numpy strings, empty for NULL.

    Such an array is as wide as its longest value: one text of a page would cost everybody's memory.
    """
    return np.asarray(pc.utf8_slice_codeunits(pc.fill_null(values, ""), 0, LONGEST).to_pylist(), dtype=str)
