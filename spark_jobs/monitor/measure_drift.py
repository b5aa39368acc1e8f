"""What the last day and tonight's lists were like, and how far that is from what is usual.

Reads silver.interactions, silver.items, ops.batches, gold.item_features and gold.recommendations; writes ops.profiles
(compact: counts and histograms, since yesterday's snapshot is gone by design) and ops.drift. No Spark: a day is looked
at in one pass per table. A day without data is a count of zero and an alarm, never a gap.
"""

from __future__ import annotations

import logging
from datetime import date, timedelta

from spark_jobs.lakehouse.night import Night
from spark_jobs.ledgers import drift as ledger
from spark_jobs.planning.campaigns import campaigns
from spark_jobs.planning.profiles import profiles_of
from spark_jobs.recommender.monitoring.drift import Profile, Shift, Thresholds, judge

log = logging.getLogger("nightjar")


def run(night: Night) -> None:
    """Profile the night, compare it, and record both."""
    profiles = profiles_of(night)
    shifts = compare(night, profiles)
    ledger.replace(night, profiles, shifts)
    for shift in shifts:
        if shift.status == "alarm":
            log.warning("drift: %s: %s", shift.name, shift.text)


def compare(night: Night, profiles: list[Profile]) -> list[Shift]:
    """Every measure beside the same weekdays before, also one that nothing was found of tonight."""
    earlier, shifts = (
        ledger.profiles_before(night.lakehouse, night.run_date),
        ledger.shifts_before(night.lakehouse, night.run_date),
    )
    monitor = night.domain.monitor
    thresholds = Thresholds(monitor.least_users, monitor.shift, monitor.deviation, monitor.change)
    explained = campaigns(night.domain, night.run_date)
    found = []
    for profile in [*profiles, *missing(profiles, earlier, night.run_date)]:
        key = (profile.measure, profile.part)
        of_measure = [one for one in earlier if (one.measure, one.part) == key]
        seen = [one for one in shifts if (one.measure, one.part) == key]
        found.append(judge(profile, of_measure, seen, thresholds, explained))
    return found


def missing(profiles: list[Profile], earlier: list[Profile], run_date: date) -> list[Profile]:
    """Counts of what there was in the last week and is not tonight: an event type that vanished is a count of zero."""
    here = {(one.measure, one.part) for one in profiles}
    recent = [one for one in earlier if one.run_date >= run_date - timedelta(days=7) and one.kind == "count"]
    gone = {(one.measure, one.part) for one in recent} - here
    return [Profile(run_date, measure, part, "count", 0, 0.0) for measure, part in sorted(gone, key=str)]
