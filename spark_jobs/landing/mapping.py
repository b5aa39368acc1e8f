"""From records to contract rows: the domain's expressions with the contract's casts, and refusals with reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.landing.expressions import ExpressionError, row_expression
from spark_jobs.landing.files import record_columns, source_view

# A value that does not fit is NULL, which quarantine takes where the column is required; it must not stop the night.
_TIME = ("a timestamp", "try_cast({} as timestamp)")
_MAP = ("a map of strings to strings", "cast(coalesce({}, map()) as map<string,string>)")
_CASTS = {
    "event_type": ("a string", "cast({} as string)"),
    "event_at": _TIME,
    "value": ("a number", "try_cast({} as double)"),
    "available_from": _TIME,
    "available_until": _TIME,
    "updated_at": _TIME,
    "categories": (
        "an array of strings",
        "filter(coalesce({}, cast(array() as array<string>)), c -> length(trim(c)) > 0)",
    ),
    "attributes": _MAP,
}
_STRING = ("a string", "nullif(trim(cast({} as string)), '')")


def contract_cast(column: str, sql: str | None) -> str:
    """The expression with the cast of its contract column; NULL where the domain has no expression.

    >>> contract_cast('value', 'price'), contract_cast('value', None)
    ('try_cast(price as double)', 'try_cast(null as double)')
    """
    return _CASTS.get(column, _STRING)[1].format(sql or "null")


def expected_type(column: str) -> str:
    """What an expression for the contract column must give, in words.

    >>> expected_type('event_at')
    'a timestamp'
    """
    return _CASTS.get(column, _STRING)[0]


def event_key(parts: list[str]) -> str:
    """The expression for the identity of an event from the expressions of its parts."""
    return f"concat_ws('|', {', '.join(f'''coalesce(cast({part} as string), '')''' for part in parts)})"


def typed(records: DataFrame, ever: DataFrame, expressions: Mapping[str, str | None], **as_they_are: str) -> DataFrame:
    """Contract columns by the domain's expressions, beside the record's own columns (prefixed `_`).

    Expressions given by keyword are not cast. A source column that none of `records` has is NULL where one of `ever`,
    all records of the source, has it: JSON leaves out what is optional. Raises ExpressionError for an expression that
    can't be evaluated, or reaches for more than its record.
    """
    texts = {name: contract_cast(name, sql) for name, sql in expressions.items()} | as_they_are
    columns = {name: row_expression(records.sparkSession, sql).alias(name) for name, sql in texts.items()}
    own = [f"_{name}" for name in records.columns]
    try:
        return source_view(records, record_columns(records)).select(*columns.values(), *own)
    except AnalysisException:
        view = source_view(records, record_columns(ever))
    for name, column in columns.items():
        try:
            view.select(column)
        except AnalysisException as error:
            reason = str(error).split(" SQLSTATE:")[0]
            raise ExpressionError(f"{name}: {texts[name]}: {reason} Try `nightjar check-domain`.") from None
    return view.select(*columns.values(), *own)


@dataclass(frozen=True)
class RecordCheck:
    """A check on typed rows: `broken` is true for rows to refuse, `reason` says what was expected."""

    name: str
    broken: Column
    reason: Column


def required(column: str) -> RecordCheck:
    """The column must not be NULL; the reason shows the record."""
    reason = F.concat(F.lit(f"{column}: expected a value, got the record "), F.to_json("_record"))
    return RecordCheck(
        f"{column}_required", F.col(column).isNull(), F.coalesce(reason, F.lit(f"{column}: expected a value"))
    )


def parsed() -> RecordCheck:
    """The record must have been readable in its format."""
    reason = F.lit("the record could not be parsed: its columns do not fit the format")
    return RecordCheck("parsed", F.col("_corrupt").isNotNull(), reason)


def flag_invalid(rows: DataFrame, checks: list[RecordCheck]) -> DataFrame:
    """Rows with the first check that each fails as `_failed_check` and its `_reason`; both NULL where it passes all."""
    checks = [parsed(), *checks]
    failed, reason = F.lit(None).cast("string"), F.lit(None).cast("string")
    for check in reversed(checks):
        failed = F.when(check.broken, F.lit(check.name)).otherwise(failed)
        reason = F.when(check.broken, check.reason).otherwise(reason)
    return rows.withColumn("_failed_check", failed).withColumn("_reason", reason)
