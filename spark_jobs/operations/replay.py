"""Clean one batch again, after its files or the domain file were corrected, and say what moved.

A night does the same by itself where the domain file says otherwise than before; this is for the person who wants to
see what a correction does, at once and for one delivery.
"""

from __future__ import annotations

from dataclasses import dataclass

from spark_jobs.contracts.domain import DerivedItems
from spark_jobs.contracts.errors import NightjarError
from spark_jobs.lakehouse.night import Night
from spark_jobs.lakehouse.tables import literal
from spark_jobs.ledgers import batches as ledger
from spark_jobs.ledgers.ledger import Row
from spark_jobs.planning.cleaning import Batches
from spark_jobs.prepare import clean_interactions, clean_items, clean_users

CLEANERS = {"interactions": clean_interactions.clean, "items": clean_items.clean, "users": clean_users.clean}
COUNTS = ("received", "kept", "quarantined", "duplicates", "left_out")


class UnknownBatchError(NightjarError):
    """No input has a batch of this name; the message names some that there are."""


@dataclass(frozen=True)
class Replay:
    """What became of a batch in one silver table, before and now."""

    table: str
    count: str
    before: int | None
    now: int


def replay(night: Night, batch: str) -> list[Replay]:
    """Clean the batch into every silver table that is made of it; raises UnknownBatchError, and as cleaning does."""
    found: list[Replay] = []
    for silver, clean in CLEANERS.items():
        of_events = silver == "items" and isinstance(night.domain.items, DerivedItems)
        input = "interactions" if of_events else silver
        if batch not in night.lakehouse.partition_values(f"bronze.{input}", "batch_id"):
            continue
        before = ledger.latest(night.lakehouse, silver).get(batch)
        if silver == "interactions" and night.lakehouse.exists("silver.interactions"):
            # What the merge finds it leaves as it is.
            night.delete("silver.interactions", f"batch_id = {literal(batch)}")
        clean(night, Batches(input, silver, [batch]))
        found += _moved(silver, before, ledger.latest(night.lakehouse, silver)[batch])
    if not found:
        known = sorted(night.lakehouse.partition_values("bronze.interactions", "batch_id"), reverse=True)
        raise UnknownBatchError(
            f"{night.domain.domain} has no batch {batch!r}; the latest are {', '.join(known[:5]) or 'none at all'}. "
            f"See nightjar quarantine --domain {night.domain.domain}."
        )
    return found


def _moved(silver: str, before: Row | None, now: Row) -> list[Replay]:
    return [Replay(silver, name, before[name] if before else None, now[name] or 0) for name in COUNTS]
