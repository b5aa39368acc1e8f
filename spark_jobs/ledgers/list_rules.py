"""`ops.list_rules`: every block, pin and boost that held for a night, with its effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from spark_jobs.lakehouse.run_context import RunContext

TABLE = "ops.list_rules"


@dataclass(frozen=True)
class ListRuleEffect:
    """One row."""

    rule: str
    """`block`, `pin` or `boost`."""
    about: str
    reason: str
    items: int
    """Items of the catalogue that it is about."""
    rows: int
    """Rows of tonight's lists with one of these items."""


def record(context: RunContext, effects: Sequence[ListRuleEffect]) -> None:
    """Record effects, in one commit."""
    context.record(TABLE, [asdict(effect) for effect in effects])
