"""What an expression of a domain file may be: a function of its own record, the same on every night.

Spark SQL reaches further: a subquery reads any file that the job can, `reflect` calls Java, `now()` makes reruns
differ. So Spark's parser reads the text, and only known kinds of nodes and functions are let through.
"""

from __future__ import annotations

import json
import re

from pyspark.errors import ParseException
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from spark_jobs.contracts.domain.functions import FUNCTIONS
from spark_jobs.contracts.errors import NightjarError

_KINDS = """
Add Alias And BitwiseAnd BitwiseNot BitwiseOr BitwiseXor CaseWhen Cast Concat CreateNamedStruct Divide EqualNullSafe
EqualTo GreaterThan GreaterThanOrEqual ILike If In IntegralDivide IsFalse IsNotNull IsNull IsTrue LambdaFunction
LessThan LessThanOrEqual Like LikeAll LikeAny Literal Lower Multiply Not NotLikeAll NotLikeAny Or Overlay RLike
Remainder SemiStructuredExtract StringLocate StringTrim StringTrimBoth StringTrimLeft StringTrimRight Substring
Subtract TimestampAdd TimestampDiff UnaryMinus UnaryPositive UnresolvedAttribute UnresolvedExtractValue
UnresolvedFunction UnresolvedNamedLambdaVariable
"""

_SESSION = """
current_catalog current_database current_date current_path current_schema current_time current_timestamp current_user
localtimestamp session_user
"""
"""Functions without parentheses, which Spark's parser takes for columns."""

NODES, NAMES_OF_SESSION = frozenset(_KINDS.split()), frozenset(_SESSION.split())
_CLOCK = re.compile(r"\b(date|timestamp|timestamp_ltz|timestamp_ntz)\s*'\s*(now|today|tomorrow|yesterday)\b", re.I)
"""Literals that Spark's parser puts the clock's time in the place of."""
SUBQUERIES = ("ScalarSubquery", "Exists", "InSubquery", "ListQuery")


class ExpressionError(NightjarError):
    """An expression of the domain file can't be evaluated or is not allowed; the message shows it and says why."""


def row_expression(spark: SparkSession, sql: str) -> Column:
    """The expression as a column; raises ExpressionError where it is more than a function of its record."""
    try:
        tree = spark._jsparkSession.sessionState().sqlParser().parseExpression(sql).toJSON()  # type: ignore[attr-defined]
    except ParseException as error:
        raise ExpressionError(f"{sql}: not a Spark SQL expression: {str(error).strip().splitlines()[0]}") from None
    if clock := _CLOCK.search(sql):
        raise ExpressionError(
            f"{sql}: {clock[0]} is another on every night; an expression is made of its record alone."
        )
    for node in json.loads(tree):
        if forbidden := _forbidden(node):
            raise ExpressionError(
                f"{sql}: {forbidden} is not allowed; an expression is made of its own record's values, by the "
                "functions that docs/reference/domain-file.md lists."
            )
    return F.expr(sql)


def unfailing(spark: SparkSession, sql: str) -> Column:
    """The expression as a column that is NULL where evaluating it raises; raises ExpressionError as `row_expression`.

    Casts and array indexes have their `try_` functions; what they are made of does not: `timestamp_seconds` of
    microseconds overflows, and one such record would stop the batch of all. Catalyst's TryEval catches that, as long as
    nothing evaluates the expression outside of it: `contracts/spark.py` turns off what takes common parts out.
    """
    row_expression(spark, sql)
    catalyst, session = spark._jvm.org.apache.spark.sql, spark._jsparkSession  # type: ignore[union-attr, attr-defined]
    tree = catalyst.catalyst.expressions.TryEval(session.sessionState().sqlParser().parseExpression(sql))
    return Column(catalyst.classic.ExpressionUtils.column(tree))


def _forbidden(node: dict[str, str]) -> str | None:
    """What is wrong with a node of Spark's tree, in words; None where nothing is."""
    kind, name = node["class"].rsplit(".", 1)[1], node.get("nameParts", "[]")[1:-1].lower()
    if kind in SUBQUERIES:
        return "a subquery"
    if kind not in NODES:
        return f"{kind} (as Spark calls it)"
    if kind == "UnresolvedFunction" and name not in FUNCTIONS:
        return f"the function {name}"
    if kind == "UnresolvedFunction" and name == "unix_timestamp" and not node.get("num-children"):
        return "unix_timestamp() without a value, which is the clock,"
    return f"{name}, which is another on every night," if name in NAMES_OF_SESSION else None
