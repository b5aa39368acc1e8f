"""Whether the source still delivers: the newest event before the run date must be young enough."""

from __future__ import annotations

from datetime import timedelta

from spark_jobs.contracts.errors import NightjarError
from spark_jobs.lakehouse.night import Night
from spark_jobs.lakehouse.tables import literal
from spark_jobs.ledgers import quality_results
from spark_jobs.ledgers.quality_results import QualityResult

EVENTS = "silver.interactions"


class SilentSourceError(NightjarError):
    """The newest event is older than the domain allows; the message says when it was and what to do."""


def require_fresh(night: Night) -> None:
    """Raise SilentSourceError, and record it, where no event is as young as the domain file demands."""
    limit = night.domain.quality.max_age_days
    if limit is None:
        return
    newest = night.lakehouse.query(
        f"SELECT max(event_at) AS at FROM events WHERE event_at < arrow_cast({literal(night.as_of.isoformat())}, "
        "'Timestamp(Microsecond, Some(\"UTC\"))')",
        events=(EVENTS, night.read_version(EVENTS)),
    )["at"][0].as_py()
    fresh = newest is not None and night.as_of - newest <= timedelta(days=limit)
    seen = f"the newest event is of {newest:%Y-%m-%d %H:%M} UTC" if newest else "there is no event"
    expectation = f"the newest event before the run date is at most {limit} days old"
    result = QualityResult(EVENTS, expectation, "critical", fresh, examples=None if fresh else seen)
    quality_results.record(night, [result])
    if not fresh:
        raise SilentSourceError(
            f"{seen} before the run date {night.run_date}, and the domain allows {limit} days (quality.max_age_days): "
            f"has the source of {night.settings.landing / night.domain.interactions.path} stopped delivering? For a "
            "closed log give a run date near its end, or set the limit to null."
        )
