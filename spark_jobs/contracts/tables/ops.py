"""Ops: what happened, to be queried like any other table."""

from __future__ import annotations

from spark_jobs.contracts.tables.table import RECORDED_AT, RUN_DATE, Column, Table

OPS = (
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
            RECORDED_AT,
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
            RECORDED_AT,
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
            RECORDED_AT,
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
            RECORDED_AT,
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
            RECORDED_AT,
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
            RECORDED_AT,
        ),
        key=("release",),
    ),
)
