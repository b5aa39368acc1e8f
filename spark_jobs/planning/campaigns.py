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
        begun = rule.since is not None and rule.since <= run_date < rule.since + SETTLING
        within = rule.since is not None and rule.until is not None and rule.since <= run_date < rule.until + SETTLING
        ending = rule.until is not None and rule.until <= run_date < rule.until + SETTLING
        if begun or within or ending:
            near.append(f"{rule.reason} ({rule.since or 'always'} to {rule.until or 'ever'})")
    return "; ".join(near)
