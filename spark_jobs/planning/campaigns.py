"""The campaign calendar: rules of the domain file that hold for a while explain shifts that they make."""

from __future__ import annotations

from datetime import date, timedelta

from spark_jobs.contracts.domain import Domain

SETTLING = timedelta(days=7)
"""Time after a campaign's end in which what it moved moves back."""


def campaigns(domain: Domain, run_date: date) -> str:
    """Reasons of the rules with an end or a beginning near the run date, in words; empty without any."""
    rules = [*domain.rules.pin, *domain.rules.boost, *domain.rules.block]
    near = []
    for rule in rules:
        first, last = rule.since or rule.until, rule.until or rule.since
        if first and last and first <= run_date < last + SETTLING:
            near.append(f"{rule.reason} ({rule.since or 'always'} to {rule.until or 'ever'})")
    return "; ".join(near)
