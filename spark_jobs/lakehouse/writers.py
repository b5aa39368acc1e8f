"""Who writes the rows of a Spark frame to a table: Spark itself, or delta-rs from the driver for small ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

from pyspark.sql import DataFrame

from spark_jobs.contracts.tables import TABLES, Table

if TYPE_CHECKING:
    from spark_jobs.lakehouse.night import Night

Writer = Literal["delta-rs", "spark"]
"""delta-rs commits in milliseconds, Spark in more than a second; delta-rs needs the rows in the driver's memory."""
SMALL_LOG = 200_000
"""Events, and places in lists, up to which any table that is made of them fits the driver: some 50 MB."""


def writer_for(night: Night, table: Table) -> Writer:
    """The writer of a table tonight: delta-rs where its rows fit the driver."""
    if table.small:
        # Seven snapshots of a large catalogue are too much for the driver's heap.
        return "delta-rs" if night.partitions == night.settings.shuffle_partitions else "spark"
    # How much is about to land in bronze the log does not say.
    return "spark" if table.layer == "bronze" else night.small_table_writer


def write_by_delta_rs(night: Night, name: str, rows: DataFrame, where: str | None) -> None:
    """Replace the table, or the rows that fulfil `where`, from the driver's memory."""
    collected = rows.toArrow()
    night.write(name, lambda: night.lakehouse.replace(name, collected, where, night.metadata | {"writer": "delta-rs"}))


def write_by_spark(night: Night, name: str, rows: DataFrame, where: str | None) -> None:
    """Replace the table, or the rows that fulfil `where`, by a Spark job."""
    table = TABLES[name]
    night.lakehouse.create(name, extra_columns=rows.columns[len(table.columns) :])
    writer = (
        rows.write.format("delta")
        .option("userMetadata", json.dumps(night.metadata | {"writer": "spark"}))
        .mode("overwrite")
    )
    if table.partition_by:
        writer = writer.partitionBy(*table.partition_by)
    if where:
        writer = writer.option("replaceWhere", where)
    writer.save(night.lakehouse.uri(name))
    night.versions_written[name] = night.lakehouse.version(name)
