"""What a table holds, as one number: an order-free hash of all values, so that equal content is known again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import duckdb

from spark_jobs.lakehouse.tables import Lakehouse

ORIGIN = ("batch_id", "delivery")
"""Where a row came from is no content: the same row of another delivery is the same row."""


def content_before(
    lakehouse: Lakehouse, name: str, version: int, column: str, moments: Mapping[date, datetime]
) -> dict[date, str]:
    """Per day the number of rows whose `column` is earlier than its moment, and the sum of their hashes.

    Counts, or sums of times and weights, would not see an identifier or a title that was written otherwise.
    """
    rows = lakehouse.stream(name, version)
    values = ", ".join(f'"{field}"' for field in rows.schema.names if field not in ORIGIN)
    limits = [int(moment.timestamp() * 1e6) for moment in moments.values()]
    sums = ", ".join(
        f"count(*) FILTER (WHERE moment < {limit}), sum(content) FILTER (WHERE moment < {limit})" for limit in limits
    )
    # The scan takes the name of the variable; DuckDB keeps one batch in memory.
    found = duckdb.connect().execute(
        f'SELECT {sums} FROM (SELECT epoch_us("{column}") AS moment, hash({values}) AS content FROM rows)'
    )
    (flat,) = found.fetchall()
    return {day: f"{flat[2 * k]} {flat[2 * k + 1]}" for k, day in enumerate(moments)}
