"""Bronze: records as received."""

from __future__ import annotations

from spark_jobs.contracts.tables.table import Column, Table


def _raw(name: str, what: str) -> Table:
    return Table(
        "bronze",
        name,
        f"{what} as received, one row per source record and each landing file once; refused files go again.",
        (
            Column(
                "record",
                "map<string,string>",
                "The record: source column to value; nested values as JSON text.",
                personal=True,
            ),
            Column(
                "corrupt", "string", "The raw text, where the record could not be parsed.", nullable=True, personal=True
            ),
            Column(
                "delivery",
                "string",
                "What brought the record: its landing file, relative to the landing folder.",
                personal=False,
            ),
            Column("delivery_size", "bigint", "Size of what brought it in bytes."),
            Column("delivery_modified_at", "timestamp", "When what brought it was last changed."),
            Column("run_date", "date", "Run date of the night that ingested it."),
            Column("batch_id", "string", "Batch: all files of one source that one run ingested.", personal=False),
        ),
        partition_by=("batch_id",),
        stats_columns=(),
    )


BRONZE = (
    _raw("interactions", "Interaction records"),
    _raw("items", "Catalogue records"),
    _raw("users", "User records"),
)
