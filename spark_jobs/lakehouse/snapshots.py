"""Which snapshots a night has to describe, and which it keeps because nothing they rest on has changed.

A snapshot rests on the events before its moment (and on items, users, policies and code). Evidence of all that lies in
`ops.snapshots` beside every snapshot that was described; equal evidence means an equal snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.contracts.code_version import is_reproducible
from spark_jobs.contracts.errors import NightjarError
from spark_jobs.lakehouse.calendar import training_dates
from spark_jobs.lakehouse.checks import passed
from spark_jobs.lakehouse.decisions import decided
from spark_jobs.lakehouse.night import Night
from spark_jobs.lakehouse.tables import literal


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
class Plan:
    """What to do with the snapshots of one table: describe some, copy some, keep some; the others go."""

    build: list[date]
    kept: list[date]
    evidence: dict[date, str]
    copies: dict[date, date] = field(default_factory=dict)
    """From a date to the date of an equal snapshot."""


def replace_snapshots(
    night: Night,
    table: str,
    describe: Callable[[list[date]], DataFrame],
    *,
    rests_on: Callable[[date], str] = on_events_alone,
    ages: bool = True,
) -> None:
    """Describe the snapshots that tonight needs and that are not there; those that nobody needs any more go with it.

    `describe` gives the rows of some dates; `rests_on` says what a date's snapshot rests on beside events. Without
    `ages` rows depend on events alone, not on how old they are, so a snapshot with equal evidence is copied.
    """
    planned = plan(night, table, rests_on, ages=ages)
    new = [*planned.build, *planned.copies]
    if not new:
        return
    where = f"as_of NOT IN ({_listed(planned.kept)})" if planned.kept else None
    if planned.build:
        rows = describe(planned.build)
        for day, source in planned.copies.items():
            rows = rows.unionByName(_snapshot(night, table, source).withColumn("as_of", F.lit(day)))
        night.replace(table, rows, where=where)
        night.unchecked[table] = f"as_of IN ({_listed(planned.build)})"
    else:
        night.copy_partitions(table, "as_of", planned.copies, where)
        night.unchecked[table] = None
    stamp = {"table": table}
    night.record("ops.snapshots", [stamp | {"as_of": day, "evidence": planned.evidence[day]} for day in new])


def plan(night: Night, table: str, rests_on: Callable[[date], str], *, ages: bool) -> Plan:
    """Compare what tonight needs with what is there."""
    windows, cuts = training_dates(night)
    needed = [night.run_date, *(cuts if decided(night.lakehouse, "train", night.run_date) else [])]
    present = {date.fromisoformat(day) for day in night.lakehouse.partition_values(table, "as_of")}
    oldest = night.run_date - timedelta(days=windows.days * (windows.number + 2))
    closed = [day for day in present if windows.on_grid(day) and oldest <= day < night.run_date]
    evidence = evidence_of(night, sorted({*needed, *closed}), rests_on)
    known = recorded(night, table) if is_reproducible(night.settings) else {}
    valid = {day for day in present if known.get(day) == evidence.get(day, "")}
    missing = [day for day in needed if day not in valid]
    copies: dict[date, date] = {}
    if not ages and passed(night.lakehouse, table, night.lakehouse.version(table) if present else None):
        of = {known[day]: day for day in present if day in known}
        copies = {day: of[evidence[day]] for day in missing if evidence[day] in of}
    kept = sorted(day for day in valid if day in needed or day in closed)
    return Plan([day for day in missing if day not in copies], kept, evidence, copies)


def evidence_of(night: Night, days: list[date], rests_on: Callable[[date], str]) -> dict[date, str]:
    """Per date what its snapshot rests on: events before it (counted and summed), the rest, and the code."""
    events = "silver.interactions"
    micros = {day: int(night.domain.start_of(day).timestamp() * 1e6) for day in days}
    sums = [
        f"count(*) FILTER (WHERE at < {limit}) AS n{number}, sum(at) FILTER (WHERE at < {limit}) AS s{number}, "
        f"round(sum(weight) FILTER (WHERE at < {limit}), 6) AS w{number}"
        for number, limit in enumerate(micros.values())
    ]
    found = night.lakehouse.query(
        f"SELECT {', '.join(sums)} FROM (SELECT arrow_cast(event_at, 'Int64') AS at, weight FROM events)",
        events=(events, night.pin(events)),
    ).to_pylist()[0]
    rest = f"{night.domain.recommendations.history_events} {night.code_version}"
    return {
        day: f"{found[f'n{number}']} {found[f's{number}']} {found[f'w{number}']} {rest} {rests_on(day)}"
        for number, day in enumerate(micros)
    }


def recorded(night: Night, table: str) -> dict[date, str]:
    """Evidence recorded last for every snapshot of the table."""
    if not night.lakehouse.exists("ops.snapshots"):
        return {}
    rows = night.lakehouse.query(
        f'SELECT as_of, evidence FROM snapshots WHERE "table" = {literal(table)} ORDER BY recorded_at',
        snapshots="ops.snapshots",
    ).to_pylist()
    return {row["as_of"]: row["evidence"] for row in rows}


def _snapshot(night: Night, table: str, day: date) -> DataFrame:
    return night.read(table).where(F.col("as_of") == F.lit(day))


def _listed(days: list[date]) -> str:
    return ", ".join(f"DATE '{day}'" for day in sorted(days))
