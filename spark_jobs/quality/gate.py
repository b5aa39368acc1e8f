"""Quality gates: every table's Great Expectations suite, run on what a job just wrote.

Suites are plain JSON in `expectations/`, one per table. A broken critical expectation stops the night after all
results are recorded; a broken warning is recorded only. A gate never passes on nothing: an empty table, a missing
suite or an empty suite fail.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import great_expectations as gx
from great_expectations.core import ExpectationSuite
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.exceptions.exceptions import GreatExpectationsError
from pyspark.sql import DataFrame

from spark_jobs.contracts.tables import TABLES
from spark_jobs.quality.pages import store_page

if TYPE_CHECKING:
    from spark_jobs.lakehouse.night import Night

log = logging.getLogger("nightjar")
EXAMPLES = 5


class QualityGateError(RuntimeError):
    """Critical expectations do not hold; the message names table, rules, counts and failing rows."""


class SuiteError(RuntimeError):
    """A suite is missing, empty or not readable; the message names the file."""


@dataclass(frozen=True)
class Result:
    """The outcome of one expectation."""

    expectation: str
    severity: str
    success: bool
    unexpected: int | None
    examples: str | None

    def sentence(self) -> str:
        """The broken rule in words, with how many rows break it and some of them."""
        count = f": {self.unexpected:,} rows" if self.unexpected is not None else ""
        return f"{self.expectation}{count}" + (f", such as {self.examples}" if self.examples else "")


def check_table(night: Night, table: str, frame: DataFrame | None = None) -> None:
    """Run the table's suite on `frame` (default: the table); raise QualityGateError on a broken critical rule."""
    suite = load_suite(night, table)
    rows = (night.read(table) if frame is None else frame).persist()
    try:
        outcome = _validate(rows, suite, table)
        results = [_result(one, rows) for one in outcome.results]
    finally:
        rows.unpersist()
    night.record("ops.quality_results", [{"table": table, **vars(result)} for result in results])
    broken = [result for result in results if not result.success]
    worst = "failed" if any(result.severity == "critical" for result in broken) else "warnings" if broken else "passed"
    store_page(night, table, outcome, worst)
    for result in broken:
        log.warning("%s breaks a %s expectation: %s", table, result.severity, result.sentence())
    if critical := [result.sentence() for result in broken if result.severity == "critical"]:
        raise QualityGateError(
            f"{table} breaks {len(critical)} critical expectation(s), the night stops: {'; '.join(critical)}. "
            f"Suite: expectations/{table}.json; results: ops.quality_results and "
            f"{night.settings.home}/data_docs/{night.domain.domain}/index.html."
        )


def load_suite(night: Night, table: str) -> ExpectationSuite:
    """The suite in `expectations/<layer>.<table>.json`; raises SuiteError where it can't gate anything."""
    path = night.settings.expectations_dir / f"{table}.json"
    if not path.is_file():
        raise SuiteError(f"{path}: no suite for {table}; a gate needs one (copy another suite and adapt it).")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        suite = ExpectationSuite(**content)
    except (ValueError, TypeError, KeyError, GreatExpectationsError) as error:
        raise SuiteError(f"{path}: not a readable Great Expectations suite: {error}") from None
    # Great Expectations drops rules it does not know, with nothing but a log line.
    known = {expectation.expectation_type for expectation in suite.expectations}
    if lost := [one.get("type") for one in content["expectations"] if one.get("type") not in known]:
        raise SuiteError(f"{path}: not a readable Great Expectations suite: unknown or invalid rules {lost}.")
    if not suite.expectations:
        raise SuiteError(f"{path}: the suite has no expectations; an empty gate would pass anything.")
    return suite


def _validate(rows: DataFrame, suite: ExpectationSuite, table: str) -> Any:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    batch = (
        context.data_sources.add_spark("spark", persist=False)
        .add_dataframe_asset(table)
        .add_batch_definition_whole_dataframe("all")
    )
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=table, data=batch, suite=context.suites.add(suite))
    )
    # SUMMARY brings a few examples; COMPLETE would bring every failing row to the driver.
    result_format = {"result_format": "SUMMARY", "partial_unexpected_count": EXAMPLES}
    key = [name for name in TABLES[table].key if name in rows.columns]
    if key:
        result_format |= {"unexpected_index_column_names": key}
    return definition.run(batch_parameters={"dataframe": rows}, result_format=result_format)


def _result(outcome: Any, rows: DataFrame) -> Result:
    config, found = outcome.expectation_config, outcome.result or {}
    arguments = {name: value for name, value in config.kwargs.items() if name != "batch_id"}
    query = arguments.pop("unexpected_rows_query", None)
    text = f"{config.type}({', '.join(f'{name}={value}' for name, value in arguments.items())})"
    return Result(
        expectation=config.description or text,
        severity=str(getattr(config.severity, "value", config.severity)),
        success=bool(outcome.success),
        unexpected=found.get("observed_value") if query else found.get("unexpected_count"),
        examples=None if outcome.success else _examples(outcome, rows, query)[:1_000],
    )


def _examples(outcome: Any, rows: DataFrame, query: str | None) -> str:
    found = outcome.result or {}
    if query and found:
        rows.createOrReplaceTempView("checked_rows")
        failing = rows.sparkSession.sql(query.replace("{batch}", "checked_rows")).limit(EXAMPLES)
        return str([row.asDict() for row in failing.collect()])
    if examples := found.get("partial_unexpected_index_list") or found.get("partial_unexpected_list"):
        return str(examples)
    if "observed_value" in found:
        return f"observed {found['observed_value']}, expected {dict(outcome.expectation_config.kwargs)}"
    return f"not evaluated: {outcome.exception_info}"
