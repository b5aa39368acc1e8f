"""What an expression of a domain file may be: a function of its own record, the same on every night.

Spark SQL reaches further: a subquery reads any file that the job can, `reflect` calls Java, `now()` makes reruns
differ. So Spark's parser reads the text, and only known kinds of nodes and functions are let through.
"""

from __future__ import annotations

import json

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
SUBQUERIES = ("ScalarSubquery", "Exists", "InSubquery", "ListQuery")


class ExpressionError(NightjarError):
    """An expression of the domain file can't be evaluated or is not allowed; the message shows it and says why."""


def row_expression(spark: SparkSession, sql: str) -> Column:
    """The expression as a column; raises ExpressionError where it is more than a function of its record."""
    try:
        tree = spark._jsparkSession.sessionState().sqlParser().parseExpression(sql).toJSON()  # type: ignore[attr-defined]
    except ParseException as error:
        raise ExpressionError(f"{sql}: not a Spark SQL expression: {str(error).strip().splitlines()[0]}") from None
    for node in json.loads(tree):
        if forbidden := _forbidden(node):
            raise ExpressionError(
                f"{sql}: {forbidden} is not allowed; an expression is made of its own record's values, by the "
                "functions that docs/reference/domain-file.md lists."
            )
    return F.expr(sql)


def _forbidden(node: dict[str, str]) -> str | None:
    """What is wrong with a node of Spark's tree, in words; None where nothing is."""
    kind, name = node["class"].rsplit(".", 1)[1], node.get("nameParts", "[]")[1:-1].lower()
    if kind in SUBQUERIES:
        return "a subquery"
    if kind not in NODES:
        return f"{kind} (as Spark calls it)"
    if kind == "UnresolvedFunction" and name not in FUNCTIONS:
        return f"the function {name}"
    return f"{name}, which is another on every night," if name in NAMES_OF_SESSION else None
