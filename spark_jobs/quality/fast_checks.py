"""The fast way to see that expectations hold: one query counts what all SQL expectations of a suite find."""

from __future__ import annotations

import threading

from pyspark.sql import DataFrame


def count_unexpected(rows: DataFrame, queries: list[str]) -> tuple[int, list[int]]:
    """Number of rows, and how many rows each query (with `{batch}` for the rows) returns, by one query."""
    view = view_of(rows)
    subqueries = [view, *(f"({query.replace('{batch}', view)})" for query in queries)]
    # Scalar subqueries: Spark runs them side by side, and reads what they share once.
    counts = ", ".join(f"(SELECT count(*) FROM {subquery})" for subquery in subqueries)
    row = rows.sparkSession.sql(f"SELECT {counts}").collect()[0]
    return row[0], list(row[1:])


def view_of(rows: DataFrame) -> str:
    """Name of a temporary view of the rows, which no quality gate that runs beside this one uses."""
    name = f"checked_rows_{threading.get_ident()}"
    rows.createOrReplaceTempView(name)
    return name
