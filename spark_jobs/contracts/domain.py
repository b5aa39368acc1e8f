"""The domain file: one YAML file in `conf/` that describes one shop, catalogue or tenant.

Each contract column is a Spark SQL expression over the source's columns. Whatever the file format,
every source column arrives as a string (nested values as JSON text), so use `try_cast` and
`try_to_timestamp` where a value may be malformed: NULLs in required columns go to quarantine.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

Expression = Annotated[str, Field(min_length=1, description="A Spark SQL expression over the source's columns.")]


class DomainFileError(ValueError):
    """A domain file has mistakes; `problems` lists all of them as `key: what was expected`."""

    def __init__(self, path: Path | str, problems: list[str]) -> None:
        self.path, self.problems = path, problems
        super().__init__("\n".join(f"{path}: {problem}" for problem in problems))


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CsvFormat(_Part):
    """Delimited text."""

    type: Literal["csv"] = "csv"
    header: bool = Field(default=True, description="Whether the first line of every file names the columns.")
    names: list[str] = Field(default=[], description="Column names in file order; needed when `header` is false.")
    delimiter: str = Field(default=",", min_length=1, description="Text between two values, one or more characters.")
    encoding: str = Field(default="UTF-8", description="Character encoding of the files.")
    quote: str = Field(default='"', max_length=1, description="Quote character; empty for none.")

    @model_validator(mode="after")
    def _names_without_header(self) -> CsvFormat:
        if not self.header and not self.names:
            raise ValueError("`names` must list the columns when `header` is false")
        return self


class JsonFormat(_Part):
    """JSON lines: one object per line."""

    type: Literal["json"] = "json"


class ParquetFormat(_Part):
    """Parquet files."""

    type: Literal["parquet"] = "parquet"


Format = Annotated[CsvFormat | JsonFormat | ParquetFormat, Field(discriminator="type")]


class _Source(_Part):
    path: str = Field(
        min_length=1, description="Glob of the landing files, relative to the landing folder (or absolute)."
    )
    format: Format = Field(default_factory=CsvFormat, description="File format of the landing files.")


class InteractionColumns(_Part):
    """How one source row becomes one interaction."""

    user_id: Expression = Field(description="Who; cast to string. Required in every row.")
    item_id: Expression = Field(description="What; cast to string. Required in every row.")
    event_type: Expression = Field(description="One of the keys of `event_weights`. Required in every row.")
    event_at: Expression = Field(description="When; a timestamp (wall-clock times are read in `time_zone`). Required.")
    value: Expression | None = Field(default=None, description="Worth of the event (money, rating); optional.")


class Interactions(_Source):
    """Where interactions land and how they map."""

    columns: InteractionColumns = Field(description="Expressions for the contract columns.")
    event_key: list[Expression] = Field(
        default=[],
        description="Expressions that together identify an event; rows with an equal key are one event. "
        "Default: user, item, event type and time.",
    )


class ItemColumns(_Part):
    """How one source row becomes one version of an item."""

    item_id: Expression = Field(description="Identifier as in the interactions; cast to string.")
    title: Expression = Field(description="Title shown to people. Required in every row.")
    categories: Expression | None = Field(default=None, description="Array of category names, most general first.")
    attributes: Expression | None = Field(default=None, description="Map of further attributes, strings to strings.")
    available_from: Expression | None = Field(default=None, description="First moment it may be recommended.")
    available_until: Expression | None = Field(default=None, description="Moment from which it may not any more.")
    updated_at: Expression | None = Field(
        default=None, description="Since when this version holds. Default: always for a new item, else the run date."
    )


class ItemFiles(_Source):
    """A catalogue with files of its own."""

    columns: ItemColumns = Field(description="Expressions for the contract columns.")


class DerivedItemColumns(_Part):
    """Catalogue columns taken from the interactions' own source columns."""

    title: Expression | None = Field(default=None, description="Title; default the item's identifier.")
    categories: Expression | None = Field(default=None, description="Array of category names.")
    attributes: Expression | None = Field(default=None, description="Map of further attributes.")


class DerivedItems(_Part):
    """A catalogue derived from the interactions, for domains without an items file."""

    from_interactions: DerivedItemColumns = Field(description="Expressions over the interactions' source columns.")


def _kind_of_items(items: Any) -> str:
    derived = "from_interactions" in items if isinstance(items, dict) else isinstance(items, DerivedItems)
    return "DerivedItems" if derived else "ItemFiles"


# Told apart by their key, so that a mistake is reported for the kind that was meant.
Items = Annotated[
    Annotated[ItemFiles, Tag("ItemFiles")] | Annotated[DerivedItems, Tag("DerivedItems")],
    Discriminator(_kind_of_items),
]
_TAGS = ("ItemFiles", "DerivedItems", "csv", "json", "parquet")


class UserColumns(_Part):
    """How one source row becomes one user."""

    user_id: Expression = Field(description="Identifier as in the interactions; cast to string.")
    attributes: Expression | None = Field(default=None, description="Map of attributes, strings to strings.")


class Users(_Source):
    """Known users, also those who have not interacted yet."""

    columns: UserColumns = Field(description="Expressions for the contract columns.")


class AllowAfter(_Part):
    """Hide an item for a while."""

    allow_after_days: int = Field(ge=1, description="Days after the latest such event until the item may come back.")


SeenPolicy = Literal["hide", "allow"] | AllowAfter


class Rules(_Part):
    """What must never, or may again, be recommended."""

    already_seen: dict[str, SeenPolicy] = Field(
        default={},
        description="Per event type: `hide` the item for ever, `allow` it, or `{allow_after_days: N}`. Default: hide.",
    )


class Train(_Part):
    """When and on what the ranker trains."""

    every_days: int = Field(default=7, ge=1, description="Retrain when the champion is this many days old.")
    window_days: int = Field(
        default=14, ge=1, description="Length of a label window: what users took in it is the label."
    )
    windows: int = Field(default=6, ge=1, le=30, description="Training windows, next to one for the test.")
    target_events: list[str] = Field(
        default=[], description="Event types that count as success. Default: all with a positive weight."
    )


class Recommendations(_Part):
    """Shape of the published lists."""

    per_user: int = Field(default=20, ge=1, le=500, description="Items in a user's list.")
    history_events: int = Field(
        default=300, ge=1, description="Latest events of a user that features and sources look at."
    )


class Domain(_Part):
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
    rules: Rules = Field(default_factory=Rules, description="Eligibility and already-seen rules.")
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
        if schedule is not None and len(schedule.split()) != 5:
            raise ValueError(f"expected a cron expression of five fields such as '0 2 * * *', got {schedule!r}")
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
        if not any(weight > 0 for weight in self.event_weights.values()):
            problems.append("event_weights: at least one weight must be positive")
        if problems:
            raise ValueError("; ".join(problems))
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
    def target_events(self) -> list[str]:
        """Event types whose appearance in a label window makes an item relevant."""
        return self.train.target_events or [name for name, weight in self.event_weights.items() if weight > 0]

    def seen_policy(self, event_type: str) -> SeenPolicy:
        """Policy for items the user had an event of this type with; `hide` unless the file says otherwise."""
        return self.rules.already_seen.get(event_type, "hide")

    def start_of(self, day: date) -> datetime:
        """The moment `day` starts in the domain's time zone; events of run date D lie strictly before it."""
        return datetime.combine(day, time(), ZoneInfo(self.time_zone))

    def cut_dates(self, run_date: date) -> list[date]:
        """Dates whose snapshots training needs, newest first: one for the test, then training windows."""
        step = timedelta(days=self.train.window_days)
        return [run_date - step * k for k in range(1, self.train.windows + 2)]


def load_domain(path: Path) -> Domain:
    """Read and check a domain file; raises DomainFileError with every mistake in it."""
    if not path.is_file():
        raise DomainFileError(path, ["no such file; expected a domain file (see docs/reference/domain-file.md)"])
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DomainFileError(path, [f"not readable as YAML: {' '.join(str(error).split())}"]) from None
    if not isinstance(content, dict):
        raise DomainFileError(path, ["expected a mapping with the keys of a domain file"])
    try:
        return Domain.model_validate(content)
    except ValidationError as error:
        raise DomainFileError(path, [_explain(problem) for problem in error.errors()]) from None


def _explain(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"] if part not in _TAGS) or "domain file"
    if problem["type"] == "extra_forbidden":
        return f"{key}: unknown key; remove it or correct its spelling"
    if problem["type"] == "missing":
        return f"{key}: missing; it is required"
    text = str(problem["msg"]).removeprefix("Value error, ")
    if key == "domain file":
        return text
    shown = repr(problem["input"])
    return f"{key}: {text}" if shown in text else f"{key}: {text} (got {shown})"


def find_domain(conf_dir: Path, name: str) -> Domain:
    """The domain called `name` in `conf_dir`; the file is `<name>.yaml`."""
    path = conf_dir / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in conf_dir.glob("*.yaml"))) or "none"
        raise DomainFileError(path, [f"no domain file for {name!r}; domains in {conf_dir}: {known}"])
    domain = load_domain(path)
    if domain.domain != name:
        raise DomainFileError(path, [f"domain: must equal the file's name {name!r}, got {domain.domain!r}"])
    return domain
