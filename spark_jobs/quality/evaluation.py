"""Run a Great Expectations suite on rows: fast where it holds, with details where it does not.

A broken critical expectation stops the night after all results are recorded; a broken warning is recorded only. An
evaluation never passes on nothing: an empty table, a missing suite or an empty suite fail.
"""

from __future__ import annotations

import copy
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import great_expectations as gx
from great_expectations.core import ExpectationSuite
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation
from great_expectations.expectations.expectation import Expectation
from pyspark import inheritable_thread_target
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

from spark_jobs.quality.document import DETAILS_OF_HELD, complete, result_of_count, result_of_held
from spark_jobs.quality.fast_checks import count_unexpected, view_of
from spark_jobs.quality.outcome import Outcome, Result

EXAMPLES = 5
# Great Expectations has one name for the view of all its SQL expectations.
_ONE_AT_A_TIME = threading.Lock()


def evaluate(rows: DataFrame, suite: ExpectationSuite, table: str, key: list[str]) -> Outcome:
    """Run the suite on the rows of `table`; failing rows are named by their `key` columns.

    Great Expectations asks one query or more per expectation for details of what is broken. Nearly always nothing is,
    which two queries show, side by side: one counts the rows that each SQL expectation finds, in the other Great
    Expectations aggregates what it can. Only expectations that do not hold are run again for the details.
    """
    # Not persisted: each query reads only the columns it needs from the table's files, which is faster.
    sql = [one for one in suite.expectations if isinstance(one, UnexpectedRowsExpectation)]
    others = [one for one in suite.expectations if one not in sql]
    quick = [one for one in others if one.expectation_type in DETAILS_OF_HELD and getattr(one, "mostly", 1) == 1]
    queries = [str(one.unexpected_rows_query) for one in sql]
    with ThreadPoolExecutor(1) as beside:
        counting = beside.submit(inheritable_thread_target(partial(count_unexpected, rows, queries)))
        document = _validate(rows, quick, table, "BOOLEAN_ONLY")
    try:
        row_count, unexpected_counts = counting.result()
    except PySparkException:
        # An expectation that can't be run, such as one on a missing column: Great Expectations says which.
        with _ONE_AT_A_TIME:
            document = _validate(rows, suite.expectations, table, _details(key))
        return Outcome([_result(one, rows) for one in document.results], document)
    held = [result_of_held(one, row_count, rows.columns) for one in document.results if one.success]
    rest = _without(others, held)
    detailed = _validate(rows, rest, table, _details(key)).results if rest else []
    counted = [result_of_count(one, count) for one, count in zip(sql, unexpected_counts, strict=True)]
    document = complete(document, [*held, *detailed, *counted])
    return Outcome([_result(one, rows) for one in document.results], document)


def _without(expectations: list[Expectation], results: list[Any]) -> list[Expectation]:
    """The expectations of which there is no result yet."""
    known = {(one.expectation_config.type, str(_arguments(one.expectation_config))) for one in results}
    return [one for one in expectations if (one.expectation_type, str(_arguments(one.configuration))) not in known]


def _arguments(config: Any) -> dict[str, Any]:
    """An expectation's own arguments."""
    return {name: config.kwargs[name] for name in sorted(config.kwargs) if name != "batch_id"}


def _details(key: list[str]) -> dict[str, Any]:
    # SUMMARY brings a few examples; COMPLETE would bring every failing row to the driver.
    details: dict[str, Any] = {"result_format": "SUMMARY", "partial_unexpected_count": EXAMPLES}
    return details | ({"unexpected_index_column_names": key} if key else {})


def _validate(rows: DataFrame, expectations: list[Expectation], table: str, result_format: Any) -> Any:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    batch = (
        context.data_sources.add_spark("spark", persist=False)
        .add_dataframe_asset(table)
        .add_batch_definition_whole_dataframe("all")
    )
    suite = ExpectationSuite(name=table, expectations=[copy.deepcopy(one) for one in expectations])
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=table, data=batch, suite=context.suites.add(suite))
    )
    return definition.run(batch_parameters={"dataframe": rows}, result_format=result_format)


def _result(result: Any, rows: DataFrame) -> Result:
    """Great Expectations' result in words."""
    config = result.expectation_config
    details = result.result or {}
    arguments = _arguments(config)
    query = arguments.pop("unexpected_rows_query", None)
    text = f"{config.type}({', '.join(f'{name}={value}' for name, value in arguments.items())})"
    return Result(
        expectation=config.description or text,
        severity=str(getattr(config.severity, "value", config.severity)),
        success=bool(result.success),
        unexpected=details.get("observed_value") if query else details.get("unexpected_count"),
        examples=None if result.success else _examples(result, rows, query)[:1_000],
    )


def _examples(result: Any, rows: DataFrame, query: str | None) -> str:
    details = result.result or {}
    if query and details:
        failing = rows.sparkSession.sql(query.replace("{batch}", view_of(rows))).limit(EXAMPLES)
        return str([row.asDict() for row in failing.collect()])
    if examples := details.get("partial_unexpected_index_list") or details.get("partial_unexpected_list"):
        return str(examples)
    if "observed_value" in details:
        return f"observed {details['observed_value']}, expected {dict(result.expectation_config.kwargs)}"
    return f"not evaluated: {result.exception_info}"
