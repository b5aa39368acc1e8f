"""Silver: typed, checked, deduplicated."""

from __future__ import annotations

from spark_jobs.contracts.tables.table import ITEM, USER, Column, Table

SILVER = (
    Table(
        "silver",
        "interactions",
        "Typed interactions, one row per event key, late events included.",
        (
            Column("event_key", "string", "Identity of the event.", personal=True),
            USER,
            ITEM,
            Column("event_type", "string", "One of the domain's event types.", personal=False),
            Column("event_at", "timestamp", "When it happened."),
            Column("weight", "double", "The event type's weight as evidence of taste."),
            Column("value", "double", "Worth of the event (money, rating).", nullable=True),
            Column("batch_id", "string", "Batch that first delivered it.", personal=False),
        ),
        key=("event_key",),
        stats_columns=("event_at",),
    ),
    Table(
        "silver",
        "items",
        "The catalogue with its history: one row per item and version.",
        (
            ITEM,
            Column("valid_from", "timestamp", "Since when this version holds, until the item's next version."),
            Column("title", "string", "Title shown to people.", personal=False),
            Column("categories", "array<string>", "Category names; empty when there are none.", personal=False),
            Column(
                "attributes", "map<string,string>", "Further attributes; empty when there are none.", personal=False
            ),
            Column("available_from", "timestamp", "First moment it may be recommended.", nullable=True),
            Column("available_until", "timestamp", "Moment from which it may not any more.", nullable=True),
            Column("batch_id", "string", "Batch that delivered this version, or lacked the item.", personal=False),
            Column(
                "withdrawn",
                "boolean",
                "Whether this version says that a complete catalogue did not have the item any more.",
                nullable=True,
            ),
        ),
        key=("item_id", "valid_from"),
        small=True,
    ),
    Table(
        "silver",
        "users",
        "Known users with the latest attributes delivered.",
        (
            USER,
            Column("attributes", "map<string,string>", "Attributes; empty when there are none.", personal=True),
            Column("batch_id", "string", "Batch that delivered the latest attributes.", personal=False),
        ),
        key=("user_id",),
        may_be_absent=True,
    ),
)
