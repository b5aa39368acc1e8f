"""Every table Nightjar writes, a module per layer: columns with types and meaning, key, partitioning, guarantees.

Types are Spark DDL strings so that DAGs and readers can use the contract without pyspark. The suite of a table is
`expectations/<layer>.<name>.json`.
"""

from __future__ import annotations

from spark_jobs.contracts.tables.bronze import BRONZE
from spark_jobs.contracts.tables.gold import GOLD
from spark_jobs.contracts.tables.ops import OPS
from spark_jobs.contracts.tables.quarantine import QUARANTINE
from spark_jobs.contracts.tables.silver import SILVER
from spark_jobs.contracts.tables.table import Column, Table

__all__ = ["TABLES", "Column", "Table"]

TABLES: dict[str, Table] = {table.full_name: table for table in (*BRONZE, *QUARANTINE, *SILVER, *GOLD, *OPS)}
"""All tables by full name (`gold.recommendations`)."""
