"""What a table's contract says, and the columns that many tables share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column: name, Spark DDL type, description, whether it may be NULL, and whether it is personal.

    A personal column can hold a user's id, or what a user did or is; every column of text has to say so. Erasing a user
    is driven by it.
    """

    name: str
    type: str
    description: str
    nullable: bool = False
    personal: bool | None = None
    """None where its type can hold no id."""


@dataclass(frozen=True)
class Table:
    """A Delta table at `<home>/lakehouse/<domain>/<layer>/<name>`.

    `key` identifies a row; `partition_by` are the columns whose values a rerun replaces. `extra_columns` describes
    columns after the others whose names the writer decides (one per feature, one per metric): their common type.
    """

    layer: str
    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    partition_by: tuple[str, ...] = ()
    extra_columns: Column | None = None
    small: bool = False
    """Whether it grows with the catalogue alone: then delta-rs writes it up to a larger log than other tables."""
    may_be_absent: bool = False
    """Whether there are domains without it, where its gate has nothing to look at."""

    stats_columns: tuple[str, ...] | None = None
    """Columns whose least and largest values the log has for each file; None: all. A writer looks at every row for it,
    so that large tables have those alone by which files are skipped."""

    @property
    def full_name(self) -> str:
        """`layer.name`, as in messages, suites and documents."""
        return f"{self.layer}.{self.name}"

    @property
    def column_names(self) -> list[str]:
        """Column names in the table's order, `extra_columns` ones left out."""
        return [column.name for column in self.columns]


AS_OF = Column("as_of", "date", "Snapshot date: only events strictly before its start (domain time zone) count.")
USER = Column("user_id", "string", "User.", personal=True)
ITEM = Column("item_id", "string", "Item.", personal=False)
RUN_DATE = Column("run_date", "date", "Run date of the night.")
RECORDED_AT = Column("recorded_at", "timestamp", "When the row was written.")
