"""Which snapshots a night has to describe, and which it keeps because nothing they rest on has changed.

A snapshot rests on the events before its moment (and on items, users, policies and code). Evidence of all that lies in
`ops.snapshots` beside every snapshot that was described; an equal fingerprint means an equal snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.contracts.code_version import is_reproducible
from spark_jobs.contracts.domain.windows import Windows
from spark_jobs.contracts.errors import NightjarError
from spark_jobs.lakehouse.night import Night
from spark_jobs.ledgers import snapshots as ledger
from spark_jobs.ledgers.decisions import Kind, decided
from spark_jobs.ledgers.quality_results import passed
from spark_jobs.planning.training_dates import training_dates


class SnapshotGoneError(NightjarError):
    """Snapshots that a job needs are not there; the message says which, and why that can be."""


def require_snapshots(night: Night, days: Iterable[date]) -> None:
    """Raise SnapshotGoneError unless users are described as of all these dates."""
    there = night.lakehouse.partition_values("gold.user_histories", "as_of")
    if gone := sorted({str(day) for day in days} - there):
        raise SnapshotGoneError(
            f"gold.user_histories holds no snapshot of {', '.join(gone)}: another night of {night.domain.domain}"
            " replaced it, or stage prepare did not run. Run this night again from its start,"
            " while no other one runs."
        )


def histories_of(night: Night, days: list[date]) -> DataFrame:
    """Histories of the dates."""
    return night.read("gold.user_histories").where(F.col("as_of").isin(days))


def users_as_of(night: Night, day: date) -> DataFrame:
    """Histories of a date with what is known of their users (`attributes`)."""
    return with_attributes(night, histories_of(night, [day]))


def with_attributes(night: Night, users: DataFrame) -> DataFrame:
    """The rows with the latest `attributes` of their `user_id`, NULL where nothing is known.

    They have no history of their own: a past date knows what is known tonight.
    """
    return users.join(night.read("silver.users").select("user_id", "attributes"), "user_id", "left")


def on_events_alone(day: date) -> str:
    """For tables whose snapshots rest on nothing but events."""
    return ""


@dataclass(frozen=True)
class SnapshotPlan:
    """What to do with the snapshots of one table: build some, copy some, keep some; the others are deleted."""

    build: list[date]
    copies: dict[date, date]
    """From a date to the date of an equal snapshot."""
    kept: list[date]
    fingerprints: dict[date, str]

    @property
    def new(self) -> list[date]:
        """Dates that are written."""
        return [*self.build, *self.copies]


def replace_snapshots(
    night: Night,
    table: str,
    build: Callable[[list[date]], DataFrame],
    *,
    rests_on: Callable[[date], str] = on_events_alone,
    on_items: bool = False,
    ages: bool = True,
) -> None:
    """Write the snapshots that tonight needs and that are not there; those that nobody needs any more are deleted.

    Args:
        night: The job's night.
        table: Snapshot table, partitioned by `as_of`.
        build: Gives the rows of some dates.
        rests_on: Says what a date's snapshot rests on beside events.
        on_items: Whether it rests on the catalogue as of its date, too.
        ages: Whether rows depend on how old events are; without, a snapshot with an equal fingerprint is copied.
    """
    plan = plan_snapshots(night, table, rests_on, on_items=on_items, ages=ages)
    if not plan.new:
        return
    where = f"as_of NOT IN ({_listed(plan.kept)})" if plan.kept else None
    if plan.build:
        rows = build(plan.build)
        for day, source in plan.copies.items():
            rows = rows.unionByName(_snapshot(night, table, source).withColumn("as_of", F.lit(day)))
        night.replace(table, rows, where=where)
        night.unchecked[table] = f"as_of IN ({_listed(plan.build)})"
    else:
        night.copy_partitions(table, "as_of", plan.copies, where)
        night.unchecked[table] = None
    ledger.record(night, table, {day: plan.fingerprints[day] for day in plan.new})


def plan_snapshots(
    night: Night, table: str, rests_on: Callable[[date], str], *, on_items: bool, ages: bool
) -> SnapshotPlan:
    """Compare the snapshots that tonight needs with those that are there."""
    windows, cutoffs = training_dates(night)
    needed = [night.run_date, *(cutoffs if decided(night.lakehouse, Kind.TRAIN, night.run_date) else [])]
    present = {date.fromisoformat(day) for day in night.lakehouse.partition_values(table, "as_of")}
    reusable = [day for day in present if windows.on_grid(day) and _oldest(night, windows) <= day < night.run_date]
    fingerprints = fingerprints_of(night, sorted({*needed, *reusable}), rests_on, on_items=on_items, ages=ages)
    recorded = ledger.fingerprints(night.lakehouse, table) if is_reproducible(night.settings) else {}
    valid = {day for day in present if day in fingerprints and recorded.get(day) == fingerprints[day]}
    missing = [day for day in needed if day not in valid]
    copies = {} if ages else _copies(night, table, missing, fingerprints, recorded, present)
    return SnapshotPlan([day for day in missing if day not in copies], copies, sorted(valid), fingerprints)


def _oldest(night: Night, windows: Windows) -> date:
    """The oldest date whose snapshot a later training could need."""
    return night.run_date - timedelta(days=windows.days * (windows.number + 2))


def _copies(
    night: Night,
    table: str,
    missing: list[date],
    fingerprints: Mapping[date, str],
    recorded: Mapping[date, str],
    present: set[date],
) -> dict[date, date]:
    """Missing dates with the date of an equal snapshot that is there and passed its quality gate."""
    if not present or not passed(night.lakehouse, table, night.lakehouse.version(table)):
        return {}
    date_of = {recorded[day]: day for day in present if day in recorded}
    return {day: date_of[fingerprints[day]] for day in missing if fingerprints[day] in date_of}


def fingerprints_of(
    night: Night, days: list[date], rests_on: Callable[[date], str], *, on_items: bool, ages: bool
) -> dict[date, str]:
    """Per date what its snapshot rests on: the content of all events before it, the rest, and the code.

    Content, not counts: an expression that was edited changes identifiers and titles and leaves all counts as they are.
    """
    events = night.content_as_of("silver.interactions", "event_at", days, inclusive=False)
    items = night.content_as_of("silver.items", "valid_from", days, inclusive=True) if on_items else {}
    rest = f"{night.domain.recommendations.history_events} {night.code_version}"
    moment = {day: night.domain.start_of(day).isoformat() if ages else "" for day in days}
    return {day: f"{events[day]} {items.get(day, '')} {moment[day]} {rest} {rests_on(day)}" for day in days}


def _snapshot(night: Night, table: str, day: date) -> DataFrame:
    return night.read(table).where(F.col("as_of") == F.lit(day))


def _listed(days: list[date]) -> str:
    return ", ".join(f"DATE '{day}'" for day in sorted(days))
