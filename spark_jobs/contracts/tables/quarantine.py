"""Quarantine: records refused, each with its reason."""

from __future__ import annotations

from spark_jobs.contracts.tables.table import Column, Table


def _refused(name: str) -> Table:
    return Table(
        "quarantine",
        name,
        f"Records of bronze.{name} that break the contract of silver.{name}; nothing is dropped silently.",
        (
            Column("record", "map<string,string>", "The record as received."),
            Column("corrupt", "string", "The raw text, where the record could not be parsed.", nullable=True),
            Column("source_file", "string", "Landing file it came from."),
            Column("failed_check", "string", "Rule that refused it; the first one broken."),
            Column("reason", "string", "What was found and what was expected."),
            Column("batch_id", "string", "Batch it came with."),
        ),
        partition_by=("batch_id",),
    )


QUARANTINE = (_refused("interactions"), _refused("items"), _refused("users"))
