"""Great Expectations' validation document, completed with results that were found without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from great_expectations.core import ExpectationValidationResult
from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation

_NO_ERROR = {"raised_exception": False, "exception_traceback": None, "exception_message": None}


def _no_unexpected(rows: int, _: list[str]) -> dict[str, Any]:
    return {"element_count": rows, "unexpected_count": 0, "unexpected_percent": 0.0, "partial_unexpected_list": []}


DETAILS_OF_HELD: dict[str, Callable[[int, list[str]], dict[str, Any]]] = {
    "expect_table_row_count_to_be_between": lambda rows, _: {"observed_value": rows},
    "expect_table_columns_to_match_ordered_list": lambda _, columns: {"observed_value": columns},
    "expect_table_columns_to_match_set": lambda _, columns: {"observed_value": columns},
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
"""By expectation type, from the number of rows and the columns: the details that Great Expectations reports of an
expectation that holds. Expectations of other types are always run with details."""


def complete(document: Any, results: list[ExpectationValidationResult]) -> Any:
    """The document with these results, and the statistics over them."""
    held = sum(bool(result.success) for result in results)
    document.results = results
    document.success = held == len(results)
    document.statistics = {
        "evaluated_expectations": len(results),
        "successful_expectations": held,
        "unsuccessful_expectations": len(results) - held,
        "success_percent": 100.0 * held / len(results),
    }
    return document


def result_of_held(result: ExpectationValidationResult, rows: int, columns: list[str]) -> ExpectationValidationResult:
    """The result of an expectation that holds, with the details that a run with details would give."""
    config = result.expectation_config
    assert config is not None, "a result of a validation names its expectation"
    result.result = DETAILS_OF_HELD[config.type](rows, columns)
    return result


def result_of_count(expectation: UnexpectedRowsExpectation, unexpected: int) -> ExpectationValidationResult:
    """The result of an SQL expectation that found so many rows."""
    return ExpectationValidationResult(
        success=not unexpected,
        expectation_config=expectation.configuration,
        result={"observed_value": unexpected},
        exception_info=_NO_ERROR,
    )
