"""Gold: what training, scoring and consumers read."""

from __future__ import annotations

from spark_jobs.contracts.tables.table import AS_OF, ITEM, RUN_DATE, USER, Column, Table

SNAPSHOTS = (
    Table(
        "gold",
        "user_histories",
        "One row per user and snapshot: the latest events in time order, and what rules block.",
        (
            AS_OF,
            USER,
            Column("item_ids", "array<string>", "Items of the latest events, oldest first.", personal=True),
            Column("weights", "array<float>", "Weight of each event."),
            Column("ages_days", "array<float>", "Days from each event to the snapshot."),
            Column("repeated", "array<boolean>", "Whether the user had the item of each event more than a day before."),
            Column("events_total", "bigint", "Events before the snapshot, also those beyond the arrays."),
            Column("tenure_days", "float", "Days from the first event to the snapshot; NaN without events."),
            Column(
                "blocked_item_ids",
                "array<string>",
                "Items the already-seen policy hides from this user.",
                personal=True,
            ),
        ),
        key=("as_of", "user_id"),
        partition_by=("as_of",),
    ),
    Table(
        "gold",
        "item_features",
        "One row per item and snapshot: catalogue entry, eligibility and popularity in histories.",
        (
            AS_OF,
            ITEM,
            Column("title", "string", "Title shown to people.", personal=False),
            Column("categories", "array<string>", "Category names.", personal=False),
            Column("attributes", "map<string,string>", "Further attributes.", personal=False),
            Column("eligible", "boolean", "Whether it may be recommended on this date (availability window)."),
            Column("popularity_7d", "double", "Share of positive events, half-life 7 days."),
            Column("popularity_30d", "double", "Share of positive events, half-life 30 days."),
            Column("popularity_180d", "double", "Share of positive events, half-life 180 days."),
            Column("popularity_all", "double", "Share of the positive events in histories."),
            Column("returning_popularity", "double", "Share of positive events by users with earlier history."),
            Column("popularity_last_year", "double", "Share of positive events in the next four weeks a year ago."),
            Column("listed_days", "double", "Days since it is available, else since its first event; NaN without."),
            Column("age_days", "double", "Days from its first event; NaN without events."),
            Column("usual_position", "double", "Mean log of its place in users' histories; NaN without events."),
            Column(
                "repeat_share",
                "double",
                "Share of its events by users who had it more than a day before; NaN without events.",
            ),
            Column("mean_weight", "double", "Mean event weight; NaN without events."),
        ),
        key=("as_of", "item_id"),
        partition_by=("as_of",),
        small=True,
    ),
    Table(
        "gold",
        "item_neighbours",
        "Item-to-item models: for each item the items that it speaks for.",
        (
            AS_OF,
            Column("source", "string", "Source that learnt it.", personal=False),
            ITEM,
            Column("neighbour_ids", "array<string>", "Neighbours, largest weight first.", personal=False),
            Column("similarities", "array<float>", "Weights: damped cosines in (0, 1], or those of a regression."),
        ),
        key=("as_of", "source", "item_id"),
        partition_by=("as_of",),
        small=True,
    ),
    Table(
        "gold",
        "item_factors",
        "ALS item factors; users are folded in from their history when they are scored.",
        (AS_OF, ITEM, Column("factors", "array<float>", "Latent factors, the same length for all items.")),
        key=("as_of", "item_id"),
        partition_by=("as_of",),
        small=True,
        may_be_absent=True,
    ),
    Table(
        "gold",
        "segment_popularity",
        "What users of a segment take more, or less, than everybody.",
        (
            AS_OF,
            Column("attribute", "string", "Attribute of users.", personal=False),
            Column("value", "string", "Its value, or the range of its numbers.", personal=False),
            Column("lowest", "double", "Smallest number of the range; NULL for a value.", nullable=True),
            Column("users", "bigint", "Users of the segment among those learnt from."),
            Column(
                "item_ids", "array<string>", "Items that are popular in the segment or with everybody.", personal=False
            ),
            Column("departures", "array<double>", "Share of the segment's positive events less that of everybody's."),
        ),
        key=("as_of", "attribute", "value"),
        partition_by=("as_of",),
        small=True,
        may_be_absent=True,
    ),
)
TRAINING = (
    Table(
        "gold",
        "training_examples",
        "Candidates retrieval really proposed at earlier snapshots, with what users took afterwards.",
        (
            AS_OF,
            USER,
            ITEM,
            Column("query", "bigint", "Query group: one user at one snapshot."),
            Column("label", "int", "1 when the user took the item in the windows after the snapshot."),
            Column(
                "label_tested",
                "int",
                "The same before the test window; NULL in it, and where the example tells of it.",
                nullable=True,
            ),
        ),
        key=("as_of", "user_id", "item_id"),
        extra_columns=Column("<feature>", "float", "One per ranker feature: [features](features.md).", nullable=True),
        stats_columns=(),
    ),
    Table(
        "gold",
        "evaluation_users",
        "Per-user metrics of the ranker, every source and the baselines on the test window.",
        (
            AS_OF,
            USER,
            Column("model_version", "string", "Registered model version that was evaluated.", personal=False),
            Column(
                "model",
                "string",
                "`ranker`, `champion`, `diversified`, or the name of a source or a baseline.",
                personal=False,
            ),
            Column(
                "segment",
                "string",
                "`first-time`, `new` (1 to 4 events), `light`, or `heavy` (upper half of the rest).",
                personal=False,
            ),
            Column("relevant", "int", "Relevant items of the user in the window."),
            Column("top_items", "array<string>", "The model's first twenty.", personal=True),
            Column("hits", "array<boolean>", "Whether each was taken."),
            Column("scores", "array<float>", "The model's score of each."),
        ),
        key=("as_of", "user_id", "model"),
        extra_columns=Column("<metric>", "double", "One per metric of a user: [metrics](metrics.md).", nullable=True),
    ),
)

_LIST_COLUMNS = (
    USER,
    Column("rank", "int", "Place in the user's list, 1 is best, without gaps."),
    ITEM,
    Column("title", "string", "Title as of the run date.", personal=False),
    Column(
        "score",
        "double",
        "Ranker score, or one between its neighbours' where exposure was balanced; comparable within one user's list "
        "only, descending with rank.",
    ),
    Column(
        "sources",
        "array<string>",
        "Candidate sources that proposed the item, the one behind the reason first; `pinned` where a rule put it.",
        personal=False,
    ),
    Column(
        "reason",
        "string",
        "Why, in words, with the item of the history it rests on where there is one.",
        personal=False,
    ),
    RUN_DATE,
    Column("release", "string", "Release that published the row.", personal=False),
    Column(
        "model_version",
        "string",
        "Registered model version that scored the row, or `source:` and a name.",
        personal=False,
    ),
)
PUBLISHED = (
    Table(
        "gold",
        "recommendations_staged",
        "Tonight's lists before the output checks; not for consumers.",
        _LIST_COLUMNS,
        key=("user_id", "rank"),
    ),
    Table(
        "gold",
        "recommendations",
        "What to serve now: the whole list of every user, replaced in one commit. Reader version 1.",
        _LIST_COLUMNS,
        key=("user_id", "rank"),
    ),
    Table(
        "gold",
        "recommendation_history",
        "What every release published.",
        _LIST_COLUMNS,
        key=("run_date", "release", "user_id", "rank"),
        partition_by=("run_date",),
    ),
)

GOLD = (*SNAPSHOTS, *TRAINING, *PUBLISHED)
