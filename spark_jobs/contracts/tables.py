"""Every table Nightjar writes: layer, columns with types and meaning, key, partitioning, guarantees.

Types are Spark DDL strings so that DAGs and readers can use the contract without pyspark.
"""

from __future__ import annotations

from dataclasses import dataclass

from spark_jobs.contracts.features import FEATURES


@dataclass(frozen=True)
class Column:
    """A column: name, Spark DDL type, meaning, and whether it may be NULL."""

    name: str
    type: str
    meaning: str
    nullable: bool = False


@dataclass(frozen=True)
class Table:
    """A Delta table at `<home>/lakehouse/<domain>/<layer>/<name>`.

    `key` identifies a row; `partition_by` are the columns whose values a rerun replaces.
    """

    layer: str
    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    partition_by: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """`layer.name`, as in messages, suites and documents."""
        return f"{self.layer}.{self.name}"

    @property
    def column_names(self) -> list[str]:
        """Column names in the table's order."""
        return [column.name for column in self.columns]


def _raw(name: str, what: str) -> Table:
    return Table(
        "bronze",
        name,
        f"{what} as received, one row per source record. Append-only, once per landing file.",
        (
            Column("record", "map<string,string>", "The record: source column to value; nested values as JSON text."),
            Column("corrupt", "string", "The raw text, where the record could not be parsed.", nullable=True),
            Column("source_file", "string", "Landing file, relative to the landing folder."),
            Column("source_size", "bigint", "Size of the landing file in bytes."),
            Column("source_modified_at", "timestamp", "When the landing file was last changed."),
            Column("run_date", "date", "Run date of the night that ingested it."),
            Column("batch_id", "string", "Batch: all files of one source that one run ingested."),
        ),
        partition_by=("batch_id",),
    )


def _refused(name: str) -> Table:
    return Table(
        "quarantine",
        name,
        f"Records of bronze.{name} that break the contract of silver.{name}; nothing is dropped silently.",
        (
            Column("record", "map<string,string>", "The record as received."),
            Column("corrupt", "string", "The raw text, where the record could not be parsed.", nullable=True),
            Column("source_file", "string", "Landing file it came from."),
            Column("rule", "string", "Rule that refused it; the first one broken."),
            Column("reason", "string", "What was found and what was expected."),
            Column("batch_id", "string", "Batch it came with."),
        ),
        partition_by=("batch_id",),
    )


AS_OF = Column("as_of", "date", "Snapshot date: only events strictly before its start (domain time zone) count.")
USER = Column("user_id", "string", "User.")
ITEM = Column("item_id", "string", "Item.")
RUN_DATE = Column("run_date", "date", "Run date of the night.")

_BRONZE = (
    _raw("interactions", "Interaction records"),
    _raw("items", "Catalogue records"),
    _raw("users", "User records"),
)
_QUARANTINE = (_refused("interactions"), _refused("items"), _refused("users"))
_SILVER = (
    Table(
        "silver",
        "interactions",
        "Typed interactions, one row per event key, late events included.",
        (
            Column("event_key", "string", "Identity of the event."),
            USER,
            ITEM,
            Column("event_type", "string", "One of the domain's event types."),
            Column("event_at", "timestamp", "When it happened."),
            Column("weight", "double", "The event type's weight as evidence of taste."),
            Column("value", "double", "Worth of the event (money, rating).", nullable=True),
            Column("batch_id", "string", "Batch that first delivered it."),
        ),
        key=("event_key",),
    ),
    Table(
        "silver",
        "items",
        "The catalogue with its history: one row per item and version.",
        (
            ITEM,
            Column("valid_from", "timestamp", "Since when this version holds, until the item's next version."),
            Column("title", "string", "Title shown to people."),
            Column("categories", "array<string>", "Category names; empty when there are none."),
            Column("attributes", "map<string,string>", "Further attributes; empty when there are none."),
            Column("available_from", "timestamp", "First moment it may be recommended.", nullable=True),
            Column("available_until", "timestamp", "Moment from which it may not any more.", nullable=True),
            Column("batch_id", "string", "Batch that delivered this version."),
        ),
        key=("item_id", "valid_from"),
    ),
    Table(
        "silver",
        "users",
        "Known users with the latest attributes delivered.",
        (
            USER,
            Column("attributes", "map<string,string>", "Attributes; empty when there are none."),
            Column("batch_id", "string", "Batch that delivered the latest attributes."),
        ),
        key=("user_id",),
    ),
)
_SNAPSHOTS = (
    Table(
        "gold",
        "user_histories",
        "One row per user and snapshot: the latest events in time order, and what rules block.",
        (
            AS_OF,
            USER,
            Column("item_ids", "array<string>", "Items of the latest events, oldest first."),
            Column("weights", "array<float>", "Weight of each event."),
            Column("ages_days", "array<float>", "Days from each event to the snapshot."),
            Column("events_total", "bigint", "Events before the snapshot, also those beyond the arrays."),
            Column("tenure_days", "float", "Days from the first event to the snapshot; NaN without events."),
            Column("blocked_item_ids", "array<string>", "Items the already-seen policy hides from this user."),
        ),
        key=("as_of", "user_id"),
        partition_by=("as_of",),
    ),
    Table(
        "gold",
        "item_features",
        "One row per item and snapshot: catalogue entry, eligibility and popularity.",
        (
            AS_OF,
            ITEM,
            Column("title", "string", "Title shown to people."),
            Column("categories", "array<string>", "Category names."),
            Column("eligible", "boolean", "Whether it may be recommended on this date (availability window)."),
            Column("popularity_7d", "double", "Share of positive events, half-life 7 days."),
            Column("popularity_30d", "double", "Share of positive events, half-life 30 days."),
            Column("popularity_180d", "double", "Share of positive events, half-life 180 days."),
            Column("popularity_all", "double", "Share of all positive events."),
            Column("returning_popularity", "double", "Share of positive events by users with earlier history."),
            Column("age_days", "double", "Days from its first event; NaN without events."),
            Column("mean_weight", "double", "Mean event weight; NaN without events."),
        ),
        key=("as_of", "item_id"),
        partition_by=("as_of",),
    ),
    Table(
        "gold",
        "item_neighbours",
        "Item-to-item retrieval: for each item those that the same users took, time-decayed.",
        (
            AS_OF,
            ITEM,
            Column("neighbour_ids", "array<string>", "Neighbours, most similar first."),
            Column("similarities", "array<float>", "Cosine of decayed co-visitation, in (0, 1]."),
        ),
        key=("as_of", "item_id"),
        partition_by=("as_of",),
    ),
    Table(
        "gold",
        "item_factors",
        "ALS item factors; users are folded in from their history when they are scored.",
        (AS_OF, ITEM, Column("factors", "array<float>", "Latent factors, the same length for all items.")),
        key=("as_of", "item_id"),
        partition_by=("as_of",),
    ),
)
_TRAINING = (
    Table(
        "gold",
        "training_examples",
        "Candidates retrieval really proposed at earlier snapshots, with what users took afterwards.",
        (
            AS_OF,
            USER,
            ITEM,
            Column("query", "bigint", "Query group: one user at one snapshot."),
            Column("label", "int", "1 when the user took the item in the window after the snapshot."),
            *(Column(feature.name, "float", feature.meaning, nullable=True) for feature in FEATURES),
        ),
        key=("as_of", "user_id", "item_id"),
    ),
    Table(
        "gold",
        "evaluation_users",
        "Per-user metrics of the ranker, every source and the baselines on the test window.",
        (
            AS_OF,
            USER,
            Column("model_version", "string", "Registered model version that was evaluated."),
            Column("contender", "string", "`ranker` or the name of a source."),
            Column("ndcg_at_10", "double", "NDCG@10 over the full eligible catalogue."),
            Column("recall_at_20", "double", "Recall@20 over the full eligible catalogue."),
            Column("average_precision", "double", "Average precision over the contender's list."),
            Column("reciprocal_rank", "double", "1 / rank of the first hit, 0 without one."),
            Column("pool_recall", "double", "Share of relevant items among the contender's candidates."),
            Column("relevant", "int", "Relevant items of the user in the window."),
            Column("top_items", "array<string>", "The contender's top ten."),
        ),
        key=("as_of", "user_id", "contender"),
    ),
)

_LIST_COLUMNS = (
    USER,
    Column("rank", "int", "Place in the user's list, 1 is best, without gaps."),
    ITEM,
    Column("title", "string", "Title as of the run date."),
    Column("score", "double", "Ranker score; comparable within one user's list only, descending with rank."),
    Column("sources", "array<string>", "Candidate sources that proposed the item, the one behind the reason first."),
    Column("reason", "string", "Why, in words, with the item of the history it rests on where there is one."),
    RUN_DATE,
    Column("release", "string", "Release that published the row."),
    Column("model_version", "string", "Registered model version that scored the row."),
)
_PUBLISHED = (
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
        "What each run date published.",
        _LIST_COLUMNS,
        key=("run_date", "user_id", "rank"),
        partition_by=("run_date",),
    ),
)
_AT = Column("recorded_at", "timestamp", "When the row was written.")
_OPS = (
    Table(
        "ops",
        "runs",
        "Ledger: one row per job run.",
        (
            RUN_DATE,
            Column("stage", "string", "Stage of the night."),
            Column("job", "string", "Job."),
            Column("status", "string", "`succeeded`, `skipped` or `failed`."),
            Column("seconds", "double", "Wall time."),
            Column("inputs", "map<string,bigint>", "Delta version of every table read."),
            Column("outputs", "map<string,bigint>", "Delta version of every table written."),
            Column("code_version", "string", "Version of the code."),
            Column("error", "string", "Why it failed.", nullable=True),
            _AT,
        ),
    ),
    Table(
        "ops",
        "batches",
        "Balance of every batch: received = kept + quarantined + duplicates.",
        (
            Column("table", "string", "Source: interactions, items or users."),
            Column("batch_id", "string", "Batch."),
            Column("received", "bigint", "Records in bronze."),
            Column("kept", "bigint", "Rows that became silver rows or versions."),
            Column("quarantined", "bigint", "Records refused."),
            Column("duplicates", "bigint", "Records equal to an event or version already there."),
            _AT,
        ),
        key=("table", "batch_id"),
    ),
    Table(
        "ops",
        "quality_results",
        "Every expectation evaluated: gate, rule, outcome, examples.",
        (
            RUN_DATE,
            Column("table", "string", "Table that was checked."),
            Column("expectation", "string", "Expectation type and arguments."),
            Column("severity", "string", "`critical` stops the night, `warning` is recorded."),
            Column("success", "boolean", "Whether it held."),
            Column("unexpected", "bigint", "Rows that break it.", nullable=True),
            Column("examples", "string", "Some failing rows or values.", nullable=True),
            _AT,
        ),
    ),
    Table(
        "ops",
        "decisions",
        "What the night decided (train, promote, publish) and why.",
        (
            RUN_DATE,
            Column("decision", "string", "`train`, `promote` or `publish`."),
            Column("outcome", "string", "`yes` or `no`."),
            Column("reason", "string", "Why."),
            Column("model_version", "string", "Model version concerned.", nullable=True),
            _AT,
        ),
    ),
    Table(
        "ops",
        "model_metrics",
        "Metrics of every model version and of the baselines on the same rows.",
        (
            RUN_DATE,
            Column("model_version", "string", "Registered model version."),
            Column("contender", "string", "`ranker` or the name of a source."),
            Column("metric", "string", "Metric."),
            Column("value", "double", "Mean over users."),
            Column("low", "double", "Lower end of the 95 % user-bootstrap interval.", nullable=True),
            Column("high", "double", "Upper end of the 95 % user-bootstrap interval.", nullable=True),
            Column("users", "bigint", "Users evaluated."),
            _AT,
        ),
    ),
    Table(
        "ops",
        "releases",
        "Every published release: model, inputs, domain file and code behind it.",
        (
            RUN_DATE,
            Column("release", "string", "Release."),
            Column("model_version", "string", "Registered model version."),
            Column("inputs", "map<string,bigint>", "Delta versions the lists were made from."),
            Column("domain_digest", "string", "SHA-256 of the domain as parsed."),
            Column("code_version", "string", "Version of the code."),
            Column("users", "bigint", "Users with a list."),
            Column("rows", "bigint", "Rows published."),
            Column("serving", "boolean", "Whether it replaced what is served (false when a later date already was)."),
            _AT,
        ),
        key=("release",),
    ),
)

TABLES: dict[str, Table] = {
    table.full_name: table for table in (*_BRONZE, *_QUARANTINE, *_SILVER, *_SNAPSHOTS, *_TRAINING, *_PUBLISHED, *_OPS)
}
"""All tables by full name (`gold.recommendations`)."""
