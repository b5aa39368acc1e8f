"""The gate after a job: run a table's suite, record every result, store the page, and stop at what is critical."""

from __future__ import annotations

import logging

from pyspark.sql import DataFrame

from spark_jobs.contracts.tables import TABLES
from spark_jobs.lakehouse.night import Night
from spark_jobs.quality.gate import evaluate
from spark_jobs.quality.pages import store_page
from spark_jobs.quality.suites import load_suite

log = logging.getLogger("nightjar")


class QualityGateError(RuntimeError):
    """Critical expectations do not hold; the message names table, rules, counts and failing rows."""


def check_table(night: Night, table: str, frame: DataFrame | None = None) -> None:
    """Run the table's suite on `frame` (default: the table); raise QualityGateError on a broken critical rule."""
    rows = night.read(table) if frame is None else frame
    key = [name for name in TABLES[table].key if name in rows.columns]
    outcome = evaluate(rows, load_suite(night.settings.expectations_dir, table), table, key)
    night.record("ops.quality_results", [{"table": table, **vars(result)} for result in outcome.results])
    pages = night.settings.home / "data_docs" / night.domain.domain
    store_page(pages, night.run_date, table, outcome)
    for result in outcome.broken:
        log.warning("%s breaks a %s expectation: %s", table, result.severity, result.sentence())
    if broken := [result.sentence() for result in outcome.critical]:
        raise QualityGateError(
            f"{table} breaks {len(broken)} critical expectation(s), the night stops: {'; '.join(broken)}. "
            f"Suite: expectations/{table}.json; results: ops.quality_results and {pages / 'index.html'}."
        )
