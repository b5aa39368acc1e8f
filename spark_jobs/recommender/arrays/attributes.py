"""Attributes of items or users, maps of strings to strings, as flat arrays."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def entries(attributes: pa.MapArray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, name and value of every attribute, all of one length; the value is empty where it is NULL."""
    lists = attributes.cast(pa.list_(attributes.type.field(0).type))
    pairs = pc.list_flatten(lists)
    return pc.list_parent_indices(lists).to_numpy(), texts(pairs.field(0)), texts(pairs.field(1))


def texts(values: pa.Array) -> np.ndarray:
    """The values as numpy strings, empty for NULL."""
    return np.asarray(pc.fill_null(values, "").to_pylist(), dtype=str)
