"""Signs that what a domain file takes for ids are none, or will match nothing."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

PLACEHOLDERS = frozenset("nan none null undefined n/a na unknown anonymous guest 0 -1 -".split())  # noqa: SIM905
"""What programs write where there is no id, in lower case."""
MOST_SHARE = 0.2
"""Share of the events of one user from which on it is named: a crawler, a shared account, a test."""
FEWEST_EVENTS = 100
_DECIMAL = re.compile(r"\d+\.\d*([eE]\+?\d+)?")


def placeholders(counts: Mapping[str, int], sql: str) -> str | None:
    """A sentence about ids that stand for none, with how many events have them; None where there are none."""
    found = {name: count for name, count in counts.items() if name.strip().lower() in PLACEHOLDERS}
    if not found:
        return None
    shown = ", ".join(f"{name!r} ({count:,} of {sum(counts.values()):,})" for name, count in found.items())
    listed = ", ".join(f"'{name}'" for name in found)
    return f"{shown} would be taken for ids; where they stand for nobody, set where: ({sql}) NOT IN ({listed})"


def dominant(counts: Mapping[str, int]) -> str | None:
    """A sentence about the user with most of the events; None where nobody has so many."""
    total = sum(counts.values())
    name, most = max(counts.items(), key=lambda pair: pair[1], default=("", 0))
    if total < FEWEST_EVENTS or most <= MOST_SHARE * total:
        return None
    return f"{name!r} has {most:,} of {total:,} events; leave a crawler or a shared account out by where"


def mismatch(lost: Collection[str], known: Collection[str], sql: str) -> str:
    """How ids of the log and of the catalogue differ, for people to see; with a way out where it is known.

    >>> mismatch(['7.0'], ['7'], 'id')
    ', while the catalogue has 7; numbers were written with a decimal point: cast(cast(id as decimal(38,0)) as string)'
    """
    text = f", while the catalogue has {', '.join(list(known)[:3])}" if known else ""
    if lost and all(_DECIMAL.fullmatch(name) for name in lost) and not any(_DECIMAL.fullmatch(name) for name in known):
        text += f"; numbers were written with a decimal point: cast(cast({sql} as decimal(38,0)) as string)"
    return text
