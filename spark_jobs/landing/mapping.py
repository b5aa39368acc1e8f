"""From records to contract rows: the domain's expressions with the contract's casts, and refusals with reasons."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.landing.expressions import ExpressionError, unfailing
from spark_jobs.landing.files import record_columns, source_view

log = logging.getLogger("nightjar")

# A value that does not fit is NULL, which quarantine takes where the column is required; it must not stop the night.
_TIME = ("a timestamp", "try_cast({} as timestamp)")
_MAP = ("a map of strings to strings", "cast(coalesce({}, map()) as map<string,string>)")
_CASTS = {
    "event_type": ("a string", "cast({} as string)"),
    "event_at": _TIME,
    # What is no number, or without end, would make every sum of them so.
    "value": ("a number", "nullif(nullif(nullif(try_cast({} as double), double('NaN')), {inf}), -{inf})"),
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


LONGEST_ID = 1_000
"""Characters."""
LEFT_OUT = "left_out"
"""Where other rows have the check that they failed."""


def contract_cast(column: str, sql: str | None) -> str:
    """The expression with the cast of its contract column; NULL where the domain has no expression.

    >>> contract_cast('event_at', 'at'), contract_cast('event_at', None)
    ('try_cast(at as timestamp)', 'try_cast(null as timestamp)')
    """
    return _CASTS.get(column, _STRING)[1].format(sql or "null", inf="double('Infinity')")


def expected_type(column: str) -> str:
    """What an expression for the contract column must give, in words.

    >>> expected_type('event_at')
    'a timestamp'
    """
    return _CASTS.get(column, _STRING)[0]


def event_key(parts: list[str]) -> str:
    """The expression for the identity of an event from the expressions of its parts.

    Other parts make another key: what separates them is escaped within them, and NULL is no empty text.
    """
    escaped = [rf"""coalesce(translate(cast({part} as string), '|', '\u001f'), '\u0000')""" for part in parts]
    return f"concat_ws('|', {', '.join(escaped)})"


def typed(
    records: DataFrame,
    ever: DataFrame,
    expressions: Mapping[str, str | None],
    where: str | None = None,
    **as_they_are: str,
) -> DataFrame:
    """Contract columns by the domain's expressions, beside the record's own columns (prefixed `_`).

    `where`, the condition for records to be taken, becomes `_where`. Expressions by keyword are not cast. A source
    column that none of `records` has is NULL where one of `ever`, all records of the source, has it: JSON leaves out
    what is optional. Raises ExpressionError for an expression that can't be evaluated, or reaches for more than its
    record.
    """
    texts = {name: contract_cast(name, sql) for name, sql in expressions.items()} | as_they_are
    texts |= {"_where": f"cast(({where}) as boolean)"} if where else {}
    columns = {name: unfailing(records.sparkSession, sql).alias(name) for name, sql in texts.items()}
    own = [f"_{name}" for name in records.columns]
    try:
        return source_view(records, record_columns(records)).select(*columns.values(), *own)
    except AnalysisException:
        here, view = (source_view(records, record_columns(of)) for of in (records, ever))
    for name, column in columns.items():
        if error := _unresolved(view, column):
            raise ExpressionError(f"{name}: {texts[name]}: {error} Try `nightjar check-domain`.")
        if _unresolved(here, column):
            log.warning(
                "%s: no record of this delivery has a column of `%s` that earlier ones had: what needs it is NULL. "
                "Was it renamed?",
                name,
                texts[name],
            )
    return view.select(*columns.values(), *own)


def _unresolved(view: DataFrame, column: Column) -> str | None:
    """Why the column can't be made of the view's; None where it can."""
    try:
        view.select(column)
    except AnalysisException as error:
        return str(error).split(" SQLSTATE:")[0]
    return None


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


def short_ids(*columns: str) -> RecordCheck:
    """Ids are bounded: arrays of them are as wide as the longest, for everybody."""
    length = F.greatest(F.lit(0), *[F.length(column) for column in columns])
    reason = F.concat(F.lit(f"{' and '.join(columns)}: expected at most {LONGEST_ID:,} characters, got "), length)
    return RecordCheck("id_length", length > LONGEST_ID, reason)


def parsed() -> RecordCheck:
    """The record must have been readable in its format."""
    reason = F.lit("the record could not be parsed: its columns do not fit the format")
    return RecordCheck("parsed", F.col("_corrupt").isNotNull(), reason)


def decoded() -> RecordCheck:
    """No value may hold the sign that decoders put in the place of bytes they can't read."""
    undecodable = F.exists(F.map_values("_record"), lambda value: F.coalesce(value.contains("\ufffd"), F.lit(False)))
    reason = F.concat(F.lit("the text can't be decoded; set format.encoding. The record: "), F.to_json("_record"))
    return RecordCheck("decoded", undecodable, reason)


def left_out(where: str | None) -> RecordCheck:
    """Records that do not fulfil the input's `where` are left out on purpose: neither kept nor refused."""
    return RecordCheck(LEFT_OUT, ~F.coalesce("_where", F.lit(False)) if where else F.lit(False), F.lit(where or ""))


def flag_invalid(rows: DataFrame, checks: list[RecordCheck], where: str | None = None) -> DataFrame:
    """Rows with the first check that each fails as `_failed_check` and its `_reason`; both NULL where it passes all."""
    checks = [parsed(), left_out(where), decoded(), *checks]
    failed, reason = F.lit(None).cast("string"), F.lit(None).cast("string")
    for check in reversed(checks):
        failed = F.when(check.broken, F.lit(check.name)).otherwise(failed)
        reason = F.when(check.broken, check.reason).otherwise(reason)
    return rows.withColumn("_failed_check", failed).withColumn("_reason", reason)
