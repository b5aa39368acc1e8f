"""Where a domain's data lands, in which format, and how its columns become the contract's."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from spark_jobs.contracts.domain.domain_part import DomainPart

Expression = Annotated[str, Field(min_length=1, description="A Spark SQL expression over the source's columns.")]


class CsvFormat(DomainPart):
    """Delimited text."""

    type: Literal["csv"] = "csv"
    header: bool = Field(default=True, description="Whether the first line of every file names the columns.")
    names: list[str] = Field(default=[], description="Column names in file order; needed when `header` is false.")
    delimiter: str = Field(default=",", min_length=1, description="Text between two values, one or more characters.")
    encoding: str = Field(default="UTF-8", description="Character encoding of the files.")
    quote: str = Field(default='"', max_length=1, description="Quote character; empty for none.")
    escape: str | None = Field(
        default=None,
        max_length=1,
        description="Character before a quote, or itself, within quotes: `\\` as MySQL and Spark write. Default: the "
        "quote doubled.",
    )
    null: str | None = Field(
        default=None, description="Text that stands for no value, such as `\\N`. Default: the empty text alone."
    )
    multiline: bool = Field(
        default=False,
        description="Whether quoted values may hold line breaks; such a file can't be read in parallel.",
    )

    @model_validator(mode="after")
    def _names_without_header(self) -> CsvFormat:
        if not self.header and not self.names:
            raise ValueError("`names` must list the columns when `header` is false")
        return self


class JsonFormat(DomainPart):
    """JSON lines: one object per line."""

    type: Literal["json"] = "json"


class ParquetFormat(DomainPart):
    """Parquet files."""

    type: Literal["parquet"] = "parquet"


Format = Annotated[CsvFormat | JsonFormat | ParquetFormat, Field(discriminator="type")]


class _Input(DomainPart):
    path: str = Field(
        min_length=1, description="Glob of the landing files, relative to the landing folder (or absolute)."
    )
    format: Format = Field(default_factory=CsvFormat, description="File format of the landing files.")
    where: Expression | None = Field(
        default=None,
        description="Condition over the source's columns for records to be taken, such as `CustomerID IS NOT NULL`. "
        "The others are left out on purpose: counted, neither kept nor refused. Default: all are taken.",
    )


class InteractionColumns(DomainPart):
    """How one source row becomes one interaction."""

    user_id: Expression = Field(description="Who; cast to string. Required in every row.")
    item_id: Expression = Field(description="What; cast to string. Required in every row.")
    event_type: Expression = Field(description="One of the keys of `event_weights`. Required in every row.")
    event_at: Expression = Field(description="When; a timestamp (wall-clock times are read in `time_zone`). Required.")
    value: Expression | None = Field(default=None, description="Worth of the event (money, rating); optional.")


class Interactions(_Input):
    """Where interactions land and how they map."""

    columns: InteractionColumns = Field(description="Expressions for the contract columns.")
    event_key: list[Expression] = Field(
        default=[],
        description="Expressions that together identify an event; rows with an equal key are one event. "
        "Default: user, item, event type and time.",
    )
    on_repeat: Literal["first", "last"] = Field(
        default="first",
        description="Which record of an event holds that is delivered again: the first, so that a resent file changes "
        "nothing, or the last, where corrections come under the key of what they correct.",
    )
    complete: bool = Field(
        default=False,
        description="Whether every delivery is a full export, with all that earlier ones had. Only the newest is then "
        "ingested and kept in bronze; what earlier ones brought stays in silver.",
    )


class ItemColumns(DomainPart):
    """How one source row becomes one version of an item."""

    item_id: Expression = Field(description="Identifier as in the interactions; cast to string.")
    title: Expression = Field(description="Title shown to people. Required in every row.")
    categories: Expression | None = Field(default=None, description="Array of category names, most general first.")
    attributes: Expression | None = Field(default=None, description="Map of further attributes, strings to strings.")
    available_from: Expression | None = Field(default=None, description="First moment it may be recommended.")
    available_until: Expression | None = Field(default=None, description="Moment from which it may not any more.")
    updated_at: Expression | None = Field(
        default=None,
        description="Since when this version holds. Default: always for a new item; else the run date, or the day its "
        "landing file was last changed where that is later.",
    )


class ItemFiles(_Input):
    """A catalogue with files of its own."""

    columns: ItemColumns = Field(description="Expressions for the contract columns.")
    complete: bool = Field(
        default=False,
        description="Whether every delivery (what came since the night before) is the whole catalogue. What it lacks "
        "is then not recommended any more, until it comes again.",
    )

    @model_validator(mode="after")
    def _one_way_to_date(self) -> ItemFiles:
        if self.complete and self.columns.updated_at:
            raise ValueError("a `complete` catalogue holds from its night on; remove `updated_at` or `complete`")
        return self


class DerivedItemColumns(DomainPart):
    """Catalogue columns taken from the interactions' own source columns."""

    title: Expression | None = Field(default=None, description="Title; default the item's identifier.")
    categories: Expression | None = Field(default=None, description="Array of category names.")
    attributes: Expression | None = Field(default=None, description="Map of further attributes.")


class DerivedItems(DomainPart):
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


class UserColumns(DomainPart):
    """How one source row becomes one user."""

    user_id: Expression = Field(description="Identifier as in the interactions; cast to string.")
    attributes: Expression | None = Field(default=None, description="Map of attributes, strings to strings.")


class Users(_Input):
    """Known users, also those who have not interacted yet."""

    columns: UserColumns = Field(description="Expressions for the contract columns.")
