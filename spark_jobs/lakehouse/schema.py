"""A table's contract as Arrow and as Spark say it."""

from __future__ import annotations

import pyarrow as pa

from spark_jobs.contracts.tables import Table

_TYPES = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
}


def arrow_type(ddl: str) -> pa.DataType:
    """The Arrow type of a Spark DDL type, such as `map<string,bigint>`.

    >>> str(arrow_type('map<string,bigint>'))
    'map<string, int64>'
    """
    kind, _, inner = ddl.removesuffix(">").partition("<")
    if kind == "array":
        return pa.list_(arrow_type(inner))
    if kind == "map":
        key, value = inner.split(",", 1)
        return pa.map_(arrow_type(key), arrow_type(value))
    return _TYPES[ddl]


def arrow_schema(table: Table, extra_columns: list[str] | None = None) -> pa.Schema:
    """The contract's columns with their comments, and the `extra_columns` ones that the writer adds."""
    extra = [(name, table.extra_columns) for name in extra_columns or [] if table.extra_columns]
    columns = [*[(column.name, column) for column in table.columns], *extra]
    return pa.schema(
        [
            pa.field(name, arrow_type(column.type), column.nullable, metadata={"comment": column.description})
            for name, column in columns
        ]
    )
