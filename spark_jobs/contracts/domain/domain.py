"""One shop, catalogue or tenant."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime, time
from math import inf
from typing import Annotated, get_args
from zoneinfo import ZoneInfo, available_timezones

from croniter import CroniterError, croniter
from pydantic import Field, field_validator, model_validator

from spark_jobs.contracts.domain.domain_part import DomainPart
from spark_jobs.contracts.domain.inputs import DerivedItems, Interactions, Items, Users
from spark_jobs.contracts.domain.policies import (
    OFF_BY_DEFAULT,
    AllowAfter,
    CandidateSource,
    Monitor,
    Quality,
    Recommendations,
    Rules,
    Train,
)
from spark_jobs.contracts.domain.windows import Windows, sensible_days


class Domain(DomainPart):
    """One domain file. Unknown keys are mistakes."""

    domain: str = Field(pattern=r"^[a-z][a-z0-9-]{0,62}$", description="Name; lower-case letters, digits and hyphens.")
    description: str = Field(default="", description="One sentence for the people who look at it.")
    time_zone: str = Field(default="UTC", description="IANA zone in which the night of run date D starts D at 00:00.")
    schedule: str | None = Field(default="0 2 * * *", description="Cron expression of the night; null for manual runs.")
    interactions: Interactions = Field(description="The interaction log.")
    event_weights: dict[str, float] = Field(
        min_length=1, description="Every event type with its weight as evidence of taste; negative for dislike."
    )
    items: Items = Field(description="The catalogue: files of its own, or derived from interactions.")
    users: Users | None = Field(default=None, description="Known users; optional.")
    quality: Quality = Field(default_factory=Quality, description="Limits beyond which a delivery stops the night.")
    monitor: Monitor = Field(default_factory=Monitor, description="When a night is not as usual, and what follows.")
    rules: Rules = Field(default_factory=Rules, description="Eligibility and already-seen rules.")
    sources: dict[CandidateSource, Annotated[int, Field(ge=0, le=1000)]] = Field(
        default={},
        description="Items that a candidate source proposes per user, by its name; 0 switches it off. Default: "
        "[candidate sources](features.md).",
    )
    train: Train = Field(default_factory=Train, description="Training cadence and windows.")
    recommendations: Recommendations = Field(default_factory=Recommendations, description="Shape of the lists.")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError(f"expected an IANA time zone such as Europe/London, got {zone!r}")
        return zone

    @field_validator("schedule")
    @classmethod
    def _five_cron_fields(cls, schedule: str | None) -> str | None:
        expected = "expected a cron expression of five fields such as '0 2 * * *'"
        if schedule is not None and len(schedule.split()) != 5:
            raise ValueError(f"{expected}, got {schedule!r}")
        try:
            # Airflow's own parser; a month without that day is noticed when the next time is asked for.
            if schedule is not None:
                croniter(schedule).get_next()
        except CroniterError as error:
            raise ValueError(f"{expected}: {error}") from None
        return schedule

    @model_validator(mode="after")
    def _event_types_agree(self) -> Domain:
        problems = [
            f"{key}: {name!r} is not one of event_weights ({', '.join(self.event_weights)})"
            for key, names in (
                ("rules.already_seen", self.rules.already_seen),
                ("train.target_events", self.train.target_events),
            )
            for name in names
            if name not in self.event_weights
        ]
        problems += [
            f"rules.pin: place {pin.place} is beyond recommendations.per_user ({self.recommendations.per_user})"
            for pin in self.rules.pin
            if pin.place > self.recommendations.per_user
        ]
        if not any(self.sources.get(name, name not in OFF_BY_DEFAULT) for name in get_args(CandidateSource)):
            problems.append("sources: at least one must propose items")
        if not any(weight > 0 for weight in self.event_weights.values()):
            problems.append("event_weights: at least one weight must be positive")
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def slug(self) -> str:
        """The name as identifiers want it (DAG ids, folders): hyphens as underscores."""
        return self.domain.replace("-", "_")

    @property
    def model_name(self) -> str:
        """Name of the MLflow experiment and of the registered model."""
        return f"nightjar.{self.domain}"

    @property
    def digest(self) -> str:
        """SHA-256 of all that the file says, defaults included."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def target_events(self) -> list[str]:
        """Event types whose appearance in a label window makes an item relevant."""
        return self.train.target_events or [name for name, weight in self.event_weights.items() if weight > 0]

    def cleaning_digest(self, source: str) -> str:
        """Identity of the part of the file that decides what `interactions`, `items` or `users` are in silver.

        Silver is cleaned again from bronze when it changes.
        """
        events = self.interactions
        decides: dict[str, object] = {
            "interactions": [
                events.columns.model_dump(),
                events.event_key,
                self.event_weights,
                events.where,
                events.on_repeat,
            ],
            "items": [
                self.items.from_interactions.model_dump(),
                events.columns.item_id,
                events.columns.event_at,
                events.where,
            ]
            if isinstance(self.items, DerivedItems)
            else [self.items.columns.model_dump(), self.items.where],
            "users": self.users and [self.users.columns.model_dump(), self.users.where],
        }
        text = json.dumps([self.time_zone, decides[source]], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def hidden_days(self, event_type: str) -> float:
        """Days for which an event of this type hides its item from the user; infinity unless the file says more."""
        policy = self.rules.already_seen.get(event_type, "hide")
        return float(policy.allow_after_days) if isinstance(policy, AllowAfter) else {"hide": inf, "allow": 0.0}[policy]

    def start_of(self, day: date) -> datetime:
        """The moment `day` starts in the domain's time zone; events of run date D lie strictly before it."""
        return datetime.combine(day, time(), ZoneInfo(self.time_zone))

    def windows(self, history_days: float) -> Windows:
        """The label windows for a log that reaches back so many days."""
        days = self.train.window_days or sensible_days(history_days)
        return Windows(days, self.train.windows, self.train.every_days)

    def tonight(self) -> date:
        """The latest run date there can be: today in the domain's time zone."""
        return datetime.now(ZoneInfo(self.time_zone)).date()
