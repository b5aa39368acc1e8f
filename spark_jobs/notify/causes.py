"""What is wrong with a domain now, from its ledgers: one notice per cause, and of causes that follow the root alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter

from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.serving import source_of
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers import batches, decisions, quality_results
from spark_jobs.ledgers.decisions import Kind, Outcome
from spark_jobs.ledgers.ledger import rows
from spark_jobs.ledgers.releases import Serving, serving
from spark_jobs.notify.notices import Notice, Severity
from spark_jobs.views.drift import shifts
from spark_jobs.views.nights import NightView, last_nights
from spark_jobs.views.outcomes import OutcomeView, outcomes_over_time
from spark_jobs.views.quarantine import refusals

MATURED = 3
"""Nights in a row that lists must have been worse before somebody is told."""
OLD = timedelta(hours=26)
"""Age from which on lists are yesterday's: a day, and time for the night."""
SPIKE, FEWEST = 3.0, 20
"""So many times what is usual, and at least so many records, of one check in one batch."""


def causes(lakehouse: Lakehouse, domain: Domain, now: datetime) -> list[Notice]:
    """Everything that holds now, the most urgent first."""
    served, nights = serving(lakehouse), last_nights(lakehouse, 1)
    found = [
        *_failed(lakehouse, nights, served),
        *_late(domain, nights, served, now),
        *_old(domain, served, now),
        *_fallback(served),
        *_worse(lakehouse),
        *_drifted(lakehouse, nights),
        *_refused_challenger(lakehouse),
        *_spikes(lakehouse, nights),
    ]
    order = list(Severity)
    return sorted(found, key=lambda notice: order.index(notice.severity))


def causes_of_time(domain: Domain, nights: list[NightView], served: Serving | None, now: datetime) -> list[Notice]:
    """What holds because time passes, and no night was there to say so: nights that are late, and old lists."""
    return [*_late(domain, nights, served, now), *_old(domain, served, now)]


def consumers_see(served: Serving | None) -> str:
    """Which lists are read now."""
    return f"the lists of {served.run_date} ({served.release})" if served else "no lists at all"


def due(domain: Domain, now: datetime) -> tuple[date, datetime] | None:
    """Run date of the latest night that the schedule has started, and when it did; None without a schedule."""
    if domain.schedule is None:
        return None
    started: datetime = croniter(domain.schedule, now.astimezone(ZoneInfo(domain.time_zone))).get_prev(datetime)
    return started.date(), started


def _failed(lakehouse: Lakehouse, nights: list[NightView], served: Serving | None) -> Iterator[Notice]:
    if not nights or nights[0].status != "failed":
        return
    night, see = nights[0], consumers_see(served)
    error = night.error or ""
    stopped = f"The night of {night.run_date} failed in {error[:600]}"
    refused = [row for row in batches.latest(lakehouse, "interactions").values() if row["refused"]]
    gates = rows(
        lakehouse,
        quality_results.TABLE,
        f"run_date = DATE '{night.run_date}' AND severity = 'critical' AND NOT success",
        "ORDER BY recorded_at DESC LIMIT 1",
    )
    if refused and "refused" in error:
        todo = "Correct the domain file or have the files delivered again: nightjar quarantine groups them by reason."
        yield Notice("batch_refused", Severity.CRITICAL, "A delivery was refused", stopped, see, todo, "batch-refused")
    elif gates and "critical expectation" in error:
        todo = f"Look at the Data Docs page of {gates[0]['table']}, which the message names."
        yield Notice("gate_failed", Severity.CRITICAL, "A quality gate failed", stopped, see, todo, "gate-failed")
    else:
        todo = "Read the message, mend what it names, and run the night again; finished work is kept."
        yield Notice("night_failed", Severity.CRITICAL, "The night failed", stopped, see, todo, "night-failed")


def _late(domain: Domain, nights: list[NightView], served: Serving | None, now: datetime) -> Iterator[Notice]:
    latest = due(domain, now)
    # A domain that never ran is one that nobody has switched on.
    if latest is None or not nights:
        return
    run_date, started = latest
    if now - started < timedelta(hours=domain.monitor.late_hours):
        return
    if served and served.run_date >= run_date:
        return
    if nights[0].run_date >= run_date and nights[0].status != "unfinished":
        return  # It failed, which is said, or it published and was put back.
    began = nights[0].run_date >= run_date
    happened = f"The night of {run_date} was due at {started:%H:%M} {domain.time_zone} and has "
    happened += "not published yet." if began else "not begun."
    todo = "Look at the DAG's run in Airflow." if began else "Is the scheduler up, and the DAG not paused?"
    yield Notice(
        "night_late", Severity.CRITICAL, "The night is late", happened, consumers_see(served), todo, "night-late"
    )


def _old(domain: Domain, served: Serving | None, now: datetime) -> Iterator[Notice]:
    if served is None or domain.schedule is None:
        return
    age = now - domain.start_of(served.run_date)
    if age > timedelta(days=1) + OLD:
        happened = f"The newest lists are of {served.run_date}, {age.days} days ago."
        todo = "Find the first night that failed (nightjar nights) and mend that; or put a release back on purpose."
        yield Notice(
            "lists_old", Severity.CRITICAL, "Lists are old", happened, consumers_see(served), todo, "lists-old"
        )


def _fallback(served: Serving | None) -> Iterator[Notice]:
    source = source_of(served.model_version) if served else None
    if source:
        yield Notice(
            "fallback",
            Severity.WARNING,
            f"{source} serves for want of a ranker",
            "No ranker could be trained or loaded; the best source makes the lists.",
            f"{consumers_see(served)}, by {source} alone",
            "Read why in ops.decisions (serve_baseline); a training mends it when there is enough to learn from.",
            "fallback",
        )


def _worse(lakehouse: Lakehouse) -> Iterator[Notice]:
    found = [view for view in outcomes_over_time(lakehouse, 60) if view.value is not None]
    for days in sorted({view.days for view in found}):
        latest = [view for view in found if view.days == days][:MATURED]
        if len(latest) == MATURED and all(view.popularity and view.popularity.verdict == "worse" for view in latest):
            yield _quality_notice("popularity", latest[0], "worse than the most popular items would have been")
        if len(latest) == MATURED and all(_broke_promise(view) for view in latest):
            yield _quality_notice("promise", latest[0], "below what the evaluation of their model promised")


def _broke_promise(view: OutcomeView) -> bool:
    return view.promised_low is not None and view.high is not None and view.high < view.promised_low


def _quality_notice(what: str, view: OutcomeView, said: str) -> Notice:
    other = f"promised {view.promised:.4f}" if what == "promise" else "popularity's beside it"
    return Notice(
        f"quality:{what}:{view.days}",
        Severity.WARNING,
        f"Lists are {said}",
        f"On the last {MATURED} windows of {view.days} days: NDCG@10 {view.value:.4f} over {view.users:,} users, "
        f"{other}; the latest served from {view.served_from}.",
        f"lists of {view.release}",
        "See nightjar outcomes and drift: what changed when it began? Put an earlier release back, or train.",
        "worse-than-popularity" if what == "popularity" else "worse-than-promised",
    )


def _drifted(lakehouse: Lakehouse, nights: list[NightView]) -> Iterator[Notice]:
    found = [shift for shift in shifts(lakehouse, 200) if nights and shift.run_date == nights[0].run_date]
    alarms = [shift for shift in found if shift.status == "alarm"]
    if alarms:
        named = "; ".join(f"{one.measure}{f' ({one.part})' if one.part else ''}: {one.text}" for one in alarms[:5])
        more = f"; and {len(alarms) - 5} more" if len(alarms) > 5 else ""
        yield Notice(
            "drift",
            Severity.WARNING,
            f"{alarms[0].measure} and {len(alarms) - 1} more are not as usual"
            if len(alarms) > 1
            else f"{alarms[0].measure} is not as usual",
            f"Night of {alarms[0].run_date}: {named}{more}.",
            "tonight's lists, made from this",
            "Ask the source what changed. If it was planned, give its rule a date; if it stays, train.",
            "drift",
        )


def _refused_challenger(lakehouse: Lakehouse) -> Iterator[Notice]:
    decision = decisions.latest(lakehouse, Kind.PROMOTE)
    if decision and decision.outcome == Outcome.NO:
        yield Notice(
            "challenger_refused",
            Severity.INFO,
            f"Model version {decision.model_version} was not promoted",
            f"Night of {decision.run_date}: {decision.reason}",
            "the champion's lists, as before",
            "Nothing, unless it happens again and again: then see the report of the training.",
            "challenger-refused",
        )


def _spikes(lakehouse: Lakehouse, nights: list[NightView]) -> Iterator[Notice]:
    tonight = str(nights[0].run_date) if nights else ""
    found = [one for one in refusals(lakehouse, 100) if one.batch_id.startswith(tonight) and one.usual is not None]
    high = [one for one in found if one.records >= FEWEST and one.records > SPIKE * (one.usual or 0.0)]
    if high and tonight:
        worst = high[0]
        yield Notice(
            f"quarantine:{worst.input}",
            Severity.WARNING,
            f"More {worst.input} were refused than usual",
            f"{worst.delivery}: {worst.records:,} records by {worst.failed_check}, usually {worst.usual:,.0f}; such "
            f"as {worst.example[:200]}",
            "lists without these records",
            "nightjar quarantine groups them; nightjar replay cleans the batch again after a correction.",
            "quarantine-spike",
        )
