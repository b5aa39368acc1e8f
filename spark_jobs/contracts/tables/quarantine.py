"""Quarantine: records refused, each with its reason."""

from __future__ import annotations

from spark_jobs.contracts.tables.table import Column, Table


def _refused(name: str) -> Table:
    return Table(
        "quarantine",
        name,
        f"Records of bronze.{name} that break the contract of silver.{name}; nothing is dropped silently.",
        (
            Column("record", "map<string,string>", "The record as received.", personal=True),
            Column(
                "corrupt", "string", "The raw text, where the record could not be parsed.", nullable=True, personal=True
            ),
            Column("delivery", "string", "What brought the record: its landing file.", personal=False),
            Column("failed_check", "string", "Check that it failed; the first one.", personal=False),
            Column("reason", "string", "What was found and what was expected.", personal=True),
            Column("batch_id", "string", "Batch it came with.", personal=False),
        ),
        partition_by=("batch_id",),
    )


QUARANTINE = (_refused("interactions"), _refused("items"), _refused("users"))
