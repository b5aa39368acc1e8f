"""The gate after a job: run a table's suite, record every result, store the page, and stop at what is critical."""

from __future__ import annotations

import logging

from pyspark.sql import DataFrame

from spark_jobs.contracts.errors import NightjarError
from spark_jobs.contracts.tables import TABLES
from spark_jobs.lakehouse.night import Night
from spark_jobs.ledgers import quality_results
from spark_jobs.ledgers.quality_results import QualityResult, copied, passed
from spark_jobs.quality.suite_files import digest

log = logging.getLogger("nightjar")


class QualityGateError(NightjarError):
    """Critical expectations do not hold; the message names table, rules, counts and failing rows."""


def check_table(night: Night, table: str, frame: DataFrame | None = None) -> None:
    """Run the table's suite on `frame`, by default on what the job wrote; raise QualityGateError on a critical rule.

    A table at the version that passed the same suite before is not checked again, nor are copies of what passed.
    """
    # Great Expectations takes a second to load, which a night without anything to check need not pay.
    from spark_jobs.quality.evaluation import evaluate
    from spark_jobs.quality.pages import store_page
    from spark_jobs.quality.suites import load_suite

    suite, version = digest(night.settings.expectations_dir, table), None
    if frame is None:
        if night.lakehouse.exists(table):
            version, part = night.read_version(table), night.unchecked.get(table, "true")
            if passed(night.lakehouse, table, version, suite):
                return
            if part is None:
                quality_results.record(night, [copied(table, version, suite)])
                return
            frame = night.read(table).where(part)
        else:
            frame = night.read(table)
    key = [name for name in TABLES[table].key if name in frame.columns]
    outcome = evaluate(frame, load_suite(night.settings.expectations_dir, table), table, key)
    results = [QualityResult(table, **vars(one), version=version, suite=suite) for one in outcome.results]
    quality_results.record(night, results)
    pages = night.settings.home / "data_docs" / night.domain.domain
    store_page(pages, night.run_date, table, outcome)
    for result in outcome.broken:
        log.warning("%s breaks a %s expectation: %s", table, result.severity, result.sentence())
    if broken := [result.sentence() for result in outcome.critical]:
        raise QualityGateError(
            f"{table} breaks {len(broken)} critical expectation(s), the night stops: {'; '.join(broken)}. "
            f"Suite: expectations/{table}.json; results: ops.quality_results and {pages / 'index.html'}."
        )
