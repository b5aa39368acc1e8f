"""What was looked up a moment ago: a page of twenty domains asks for a hundred tables, which change once a night."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import TypeVar

SECONDS = 60.0
Value = TypeVar("Value")
_known: dict[Hashable, tuple[float, object]] = {}


def remembered(key: Hashable, look_up: Callable[[], Value], seconds: float = SECONDS) -> Value:
    """What `look_up` gives, or gave for this key within the last seconds."""
    found = _known.get(key)
    if found and time.monotonic() - found[0] < seconds:
        return found[1]  # type: ignore[return-value]
    value = look_up()
    _known[key] = (time.monotonic(), value)
    return value
