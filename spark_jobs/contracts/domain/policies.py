"""What a domain wants: already-seen rules, training, shape of the lists."""

from __future__ import annotations

from datetime import date
from itertools import combinations
from typing import Literal, Self

from pydantic import Field, model_validator

from spark_jobs.contracts.domain.domain_part import DomainPart


class AllowAfter(DomainPart):
    """Hide an item for a while."""

    allow_after_days: int = Field(ge=1, description="Days after the latest such event until the item may come back.")


SeenPolicy = Literal["hide", "allow"] | AllowAfter


class ListRule(DomainPart):
    """What a person decided about an item, or about all items of a category, and why."""

    item: str | None = Field(default=None, description="Item; or give a category.")
    category: str | None = Field(default=None, description="Category; or give an item.")
    reason: str = Field(min_length=1, description="Why, for the record (ops.list_rules).")
    since: date | None = Field(default=None, description="First run date that it holds for. Default: always.")
    until: date | None = Field(default=None, description="First run date that it holds for no more. Default: never.")

    @model_validator(mode="after")
    def _about_one_thing(self) -> Self:
        if (self.item is None) == (self.category is None):
            raise ValueError("name either an item or a category")
        if self.since and self.until and self.since >= self.until:
            raise ValueError(f"since {self.since} is not before until {self.until}: it would never hold")
        return self

    def overlaps(self, other: ListRule) -> bool:
        """Whether there is a run date that both hold for."""
        since, until = max(self.since or date.min, other.since or date.min), (self.until, other.until)
        return since < min(day or date.max for day in until)

    def holds(self, run_date: date) -> bool:
        """Whether it holds for the run date."""
        return (self.since is None or self.since <= run_date) and (self.until is None or run_date < self.until)


class Pin(ListRule):
    """An item that has a place in everybody's list, where nothing forbids it."""

    place: int = Field(ge=1, description="Place in the list, 1 is best.")

    @model_validator(mode="after")
    def _an_item(self) -> Self:
        if self.item is None:
            raise ValueError("a pin names an item")
        return self


class Boost(ListRule):
    """Items that move up, or down."""

    by: float = Field(
        ge=-5, le=5, description="Standard deviations of a user's scores that are added; negative moves down."
    )


class Rules(DomainPart):
    """What must never, or may again, be recommended, and what a person wants to see."""

    already_seen: dict[str, SeenPolicy] = Field(
        default={},
        description="Per event type: `hide` the item for ever, `allow` it, or `{allow_after_days: N}`. Default: hide.",
    )
    block: list[ListRule] = Field(default=[], description="Items and categories that are never recommended.")
    pin: list[Pin] = Field(default=[], description="Items with a fixed place in every list.")
    boost: list[Boost] = Field(default=[], description="Items and categories that move up or down.")
    max_per_category: int | None = Field(
        default=None,
        ge=1,
        description="Most items of one category in a list, pinned ones aside; lists get shorter where nothing else is "
        "left. Default: no limit.",
    )

    @model_validator(mode="after")
    def _one_item_per_place(self) -> Rules:
        for one, other in combinations(self.pin, 2):
            if one.overlaps(other) and one.place == other.place:
                raise ValueError(f"pin: several items for place {one.place} at one time")
            if one.overlaps(other) and one.item == other.item:
                raise ValueError(f"pin: several places for item {one.item} at one time")
        return self


class Train(DomainPart):
    """When and on what the ranker trains."""

    every_days: int = Field(default=7, ge=1, description="Retrain when the champion is this many days old.")
    window_days: int | None = Field(
        default=None,
        ge=1,
        description="Length of a label window: what users took in it is the label. Default: 14; less where the log is "
        "short, up to 336 where fewer than 200 users come back in less.",
    )
    label_windows: int = Field(
        default=1,
        ge=1,
        le=100,
        description="Label windows that a training label reaches over, as far as they are over by the run date; "
        "more than one where users come back seldom.",
    )
    windows: int = Field(
        default=6, ge=1, le=30, description="Training windows, next to one for the test; fewer where the log is short."
    )
    compare_seconds: int = Field(
        default=60,
        ge=0,
        description="Seconds that a training night may spend on what smaller and simpler models would cost "
        "(ops.model_variants); 0 for none.",
    )
    prefer_smaller: str | None = Field(
        default=None,
        pattern=r"^\d+(\.\d+)?%$",
        description="Share of NDCG@10 that may be lost for a smaller model, such as `0.5%`: the smallest ranker within "
        "it goes on to promotion. Default: the best goes.",
    )
    approval: Literal["automatic", "required"] = Field(
        default="automatic",
        description="`required`: a ranker that may be promoted waits for a person, who answers in Airflow (DAG "
        "`promotion_<domain>`) or by `nightjar models promote`.",
    )
    approval_hours: int = Field(
        default=48, ge=1, description="Hours that a question to a person stays open in Airflow; then it is a refusal."
    )
    min_coverage: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Least coverage@10, of the lists of evaluated users with exposure balanced, that a ranker is "
        "promoted with. Default: none is demanded.",
    )
    target_events: list[str] = Field(
        default=[], description="Event types that count as success. Default: all with a positive weight."
    )

    @property
    def most_loss(self) -> float | None:
        """`prefer_smaller` as a share."""
        return None if self.prefer_smaller is None else float(self.prefer_smaller.rstrip("%")) / 100

    @model_validator(mode="after")
    def _smaller_needs_a_comparison(self) -> Train:
        if self.prefer_smaller and not self.compare_seconds:
            raise ValueError("prefer_smaller needs compare_seconds: without time nothing smaller is tried")
        return self


class Monitor(DomainPart):
    """When a night is not as usual, and what follows."""

    least_users: int = Field(
        default=200, ge=1, description="Users from which on the distribution of a day says something."
    )
    shift: float = Field(
        default=0.1, gt=0, description="Population stability index (PSI) from which on a distribution has shifted."
    )
    deviation: float = Field(
        default=4.0,
        gt=0,
        description="Robust standard deviations from the same weekdays before, from which on a night is unusual.",
    )
    change: float = Field(
        default=0.2, gt=0, description="Relative change from which on an unusual count or share matters."
    )
    late_hours: float = Field(
        default=6.0, gt=0, description="Hours after the schedule's time in which a night should have published."
    )
    retrain: bool = Field(default=False, description="Whether the night after an alarm trains, due or not.")


class Quality(DomainPart):
    """What a delivery must be like for the night to go on."""

    max_refused_share: float = Field(
        default=0.2, ge=0, le=1, description="Largest share of a batch's records that quarantine may take."
    )
    settle_minutes: int = Field(
        default=0,
        ge=0,
        description="Minutes that a landing file must have been left unchanged for; a younger one waits for the next "
        "night. Of use where files are written in place, over minutes.",
    )
    max_age_days: int | None = Field(
        default=7, ge=1, description="Days before the run date that the newest event may be old; null for no limit."
    )


CandidateSource = Literal[
    "own_history",
    "item_to_item",
    "next_item",
    "past_to_future",
    "ease",
    "als",
    "similar_content",
    "category_popularity",
    "segment_popularity",
    "new_arrivals",
    "recent_popularity",
    "popularity",
]
"""Names of the candidate sources, as spark_jobs/recommender/sources has them."""
OFF_BY_DEFAULT: frozenset[CandidateSource] = frozenset({"past_to_future"})
"""Sources that are off unless the domain file says otherwise: they cost more than they were seen to bring (ADR 23)."""


class Recommendations(DomainPart):
    """Shape of the published lists."""

    per_user: int = Field(default=20, ge=1, le=500, description="Items in a user's list.")
    coverage: float | None = Field(
        default=0.25,
        gt=0,
        le=1,
        description="Share of the eligible catalogue that the first ten places of all lists should reach together, "
        "or of those places where the catalogue has more items: items that are shown often give way until they do. "
        "null for the ranker's order as it is.",
    )
    keep_first: int = Field(
        default=8,
        ge=0,
        le=9,
        description="First places of a list that are the ranker's, however often their items are shown; exposure is "
        "balanced from there to the tenth. Fewer let `coverage` reach farther, at a higher price.",
    )
    new_user_id: str | None = Field(
        default=None,
        min_length=1,
        description="An id that no user has, under which the list of somebody without a history is published: what to "
        "show to people who are not in the table. null for no such list.",
    )
    kept_releases: int = Field(
        default=14, ge=1, description="Latest releases that maintenance keeps whole: to be put back or made again."
    )
    history_events: int = Field(
        default=1000, ge=1, description="Latest events of a user that features and sources look at."
    )
