"""Quality gates: a Great Expectations suite, run on rows, with its results in words.

A broken critical expectation stops the night after all results are recorded; a broken warning is recorded only. A gate
never passes on nothing: an empty table, a missing suite or an empty suite fail.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import great_expectations as gx
from great_expectations.core import ExpectationSuite
from great_expectations.data_context.types.base import ProgressBarsConfig
from pyspark.sql import DataFrame

EXAMPLES = 5


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


@dataclass(frozen=True)
class Outcome:
    """The outcome of a suite: results in words, and Great Expectations' own document for the page."""

    results: list[Result]
    document: Any

    @property
    def broken(self) -> list[Result]:
        """Expectations that do not hold."""
        return [result for result in self.results if not result.success]

    @property
    def critical(self) -> list[Result]:
        """Broken expectations that stop the night."""
        return [result for result in self.broken if result.severity == "critical"]

    @property
    def mark(self) -> str:
        """`passed`, `warnings` or `failed`."""
        return "failed" if self.critical else "warnings" if self.broken else "passed"


def evaluate(rows: DataFrame, suite: ExpectationSuite, table: str, key: list[str]) -> Outcome:
    """Run the suite on the rows of `table`; failing rows are named by their `key` columns."""
    rows = rows.persist()
    try:
        document = _validate(rows, suite, table, key)
        return Outcome([_result(one, rows) for one in document.results], document)
    finally:
        rows.unpersist()


def _validate(rows: DataFrame, suite: ExpectationSuite, table: str, key: list[str]) -> Any:
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
