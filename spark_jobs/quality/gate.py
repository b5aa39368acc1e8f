"""Quality gates: a Great Expectations suite, run on rows, with its results in words.

A broken critical expectation stops the night after all results are recorded; a broken warning is recorded only. A gate
never passes on nothing: an empty table, a missing suite or an empty suite fail.
"""

from __future__ import annotations

import copy
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import great_expectations as gx
from great_expectations.core import ExpectationSuite, ExpectationValidationResult
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation
from great_expectations.expectations.expectation import Expectation
from pyspark import inheritable_thread_target
from pyspark.errors import PySparkException
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
    """Run the suite on the rows of `table`; failing rows are named by their `key` columns.

    Great Expectations asks one query or more per rule for details of what is broken. Nearly always nothing is, which
    two queries tell, side by side: one counts the rows that each SQL rule finds, in the other Great Expectations
    aggregates what it can (it keeps a query of its own per unique key). Only rules that do not hold are run again for
    the details.
    """
    # Not persisted: each query reads only the columns it needs from the table's files, which is faster.
    sql = [one for one in suite.expectations if isinstance(one, UnexpectedRowsExpectation)]
    others = [one for one in suite.expectations if one not in sql]
    quick = [one for one in others if one.expectation_type in _OBSERVED and getattr(one, "mostly", 1) == 1]
    count_rows = inheritable_thread_target(partial(_counts, rows, [str(one.unexpected_rows_query) for one in sql]))
    with ThreadPoolExecutor(1) as beside:
        counting = beside.submit(count_rows)
        document = _validate(rows, quick, table, "BOOLEAN_ONLY")
    try:
        count, found = counting.result()
    except PySparkException:
        # A rule that can't be run, such as one on a column that is not there: Great Expectations says which.
        with _ONE_AT_A_TIME:
            document = _validate(rows, suite.expectations, table, _details(key))
        return Outcome([_result(one, rows) for one in document.results], document)
    held = [result for result in document.results if result.success]
    for result in held:
        result.result = _OBSERVED[result.expectation_config.type]({"count": count, "columns": rows.columns})
    described = {(result.expectation_config.type, str(_arguments(result))) for result in held}
    rest = [one for one in others if (one.expectation_type, str(_arguments(one))) not in described]
    document.results = [
        *held,
        *(_validate(rows, rest, table, _details(key)).results if rest else []),
        *[
            ExpectationValidationResult(
                success=not unexpected,
                expectation_config=one.configuration,
                result={"observed_value": unexpected},
                exception_info=_NO_ERROR,
            )
            for one, unexpected in zip(sql, found, strict=True)
        ],
    ]
    return Outcome([_result(one, rows) for one in document.results], _with_statistics(document))


def _with_statistics(document: Any) -> Any:
    """The document with what its results add up to."""
    total, held = len(document.results), sum(bool(result.success) for result in document.results)
    document.success = total == held
    document.statistics = {
        "evaluated_expectations": total,
        "successful_expectations": held,
        "unsuccessful_expectations": total - held,
        "success_percent": 100.0 * held / total,
    }
    return document


def _counts(rows: DataFrame, queries: list[str]) -> tuple[int, list[int]]:
    """Number of rows, and how many rows each query finds among them, by one query."""
    view = _view_of(rows)
    counted = [view, *(f"({query.replace('{batch}', view)})" for query in queries)]
    # Scalar subqueries: Spark runs them side by side, and reads what they share once.
    found = rows.sparkSession.sql("SELECT " + ", ".join(f"(SELECT count(*) FROM {one})" for one in counted)).collect()
    return found[0][0], list(found[0][1:])


def _no_unexpected(observed: dict[str, Any]) -> dict[str, Any]:
    none: dict[str, Any] = {"unexpected_count": 0, "unexpected_percent": 0.0, "partial_unexpected_list": []}
    return {"element_count": observed["count"], **none}


def _view_of(rows: DataFrame) -> str:
    """Name of a view of the rows, which no gate that runs beside this one uses."""
    name = f"checked_rows_{threading.get_ident()}"
    rows.createOrReplaceTempView(name)
    return name


# Great Expectations has one name for the view of all its SQL rules.
_ONE_AT_A_TIME = threading.Lock()
_NO_ERROR = {"raised_exception": False, "exception_traceback": None, "exception_message": None}
# What Great Expectations reports of rules that hold, by type; suites with other rules are run with details at once.
_OBSERVED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "expect_table_row_count_to_be_between": lambda observed: {"observed_value": observed["count"]},
    "expect_table_columns_to_match_ordered_list": lambda observed: {"observed_value": observed["columns"]},
    "expect_table_columns_to_match_set": lambda observed: {"observed_value": observed["columns"]},
    **dict.fromkeys(
        (
            "expect_column_value_lengths_to_be_between",
            "expect_column_values_to_be_between",
            "expect_column_values_to_be_in_set",
            "expect_column_values_to_be_unique",
            "expect_column_values_to_match_regex",
            "expect_column_values_to_not_be_null",
            "expect_compound_columns_to_be_unique",
        ),
        _no_unexpected,
    ),
}


def _arguments(rule: Any) -> dict[str, Any]:
    """The rule's own arguments, of an expectation or of its result."""
    config = getattr(rule, "expectation_config", None) or rule.configuration
    return {name: config.kwargs[name] for name in sorted(config.kwargs) if name != "batch_id"}


def _details(key: list[str]) -> dict[str, Any]:
    # SUMMARY brings a few examples; COMPLETE would bring every failing row to the driver.
    details: dict[str, Any] = {"result_format": "SUMMARY", "partial_unexpected_count": EXAMPLES}
    return details | ({"unexpected_index_column_names": key} if key else {})


def _validate(rows: DataFrame, rules: list[Expectation], table: str, result_format: Any) -> Any:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    batch = (
        context.data_sources.add_spark("spark", persist=False)
        .add_dataframe_asset(table)
        .add_batch_definition_whole_dataframe("all")
    )
    suite = ExpectationSuite(name=table, expectations=[copy.deepcopy(rule) for rule in rules])
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=table, data=batch, suite=context.suites.add(suite))
    )
    return definition.run(batch_parameters={"dataframe": rows}, result_format=result_format)


def _result(outcome: Any, rows: DataFrame) -> Result:
    config, found = outcome.expectation_config, outcome.result or {}
    arguments = _arguments(outcome)
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
        failing = rows.sparkSession.sql(query.replace("{batch}", _view_of(rows))).limit(EXAMPLES)
        return str([row.asDict() for row in failing.collect()])
    if examples := found.get("partial_unexpected_index_list") or found.get("partial_unexpected_list"):
        return str(examples)
    if "observed_value" in found:
        return f"observed {found['observed_value']}, expected {dict(outcome.expectation_config.kwargs)}"
    return f"not evaluated: {outcome.exception_info}"
