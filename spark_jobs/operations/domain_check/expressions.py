"""Try a domain file's expressions on a sample of landing records, each on its own, and say what is wrong with it."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import reduce

from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException, PySparkException
from pyspark.logger import PySparkLogger
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from spark_jobs.contracts.domain import Format
from spark_jobs.landing.expressions import ExpressionError, row_expression
from spark_jobs.landing.files import LandingFileError, read_records
from spark_jobs.landing.listing import LandingFile
from spark_jobs.landing.mapping import contract_cast, expected_type

SAMPLE_RECORDS, SAMPLE_FILES = 100_000, 5


@contextmanager
def expecting_errors(spark: SparkSession) -> Iterator[None]:
    """Keep Spark from printing every failed expression as a page of JSON or Java; they end up in the report."""
    spark.sparkContext.setLogLevel("OFF")
    loggers = [PySparkLogger.getLogger(f"{kind}QueryContextLogger") for kind in ("SQL", "DataFrame")]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger in loggers:
            logger.disabled = False
        spark.sparkContext.setLogLevel("ERROR")


def read_sample(spark: SparkSession, files: list[LandingFile], format: Format) -> tuple[DataFrame | None, list[str]]:
    """Records of up to five files, spread from first to last by name, and what kept files from being read."""
    step = max(1, -(-len(files) // SAMPLE_FILES))
    chosen = files[::step]
    frames, problems = [], []
    for file in chosen:
        try:
            frame = read_records(spark, [file.path], format).limit(SAMPLE_RECORDS // len(chosen)).persist()
            frame.count()
            frames.append(frame)
        except LandingFileError as error:
            problems.append(str(error))
        except (PySparkException, Py4JJavaError) as error:
            problems.append(f"{file.name}: not readable as {format.type}: {first_line(error)}")
    return reduce(DataFrame.unionByName, frames) if frames else None, problems


def format_suspicion(records: DataFrame, columns: list[str], total: int) -> str | None:
    """A sign that delimiter, quotes or encoding are wrong, which Spark reads without complaint."""
    signs = records.agg(
        F.count("corrupt").alias("corrupt"),
        F.count_if(F.to_json("record").contains("\ufffd")).alias("undecodable"),
        F.first("corrupt", ignorenulls=True).alias("text"),
    ).first()
    assert signs is not None, "an aggregate without groups has one row"
    if any(name.startswith(("{", "PAR1")) for name in columns):
        return "the first line looks like JSON or Parquet, not like column names; set type"
    if len(columns) == 1 and any(mark in columns[0] for mark in ",;|\t"):
        return f"the only column is {columns[0]!r}; set delimiter"
    if signs["corrupt"]:
        return f"{signs['corrupt']:,} of {total:,} records can't be parsed, such as {str(signs['text'])[:120]!r}"
    if signs["undecodable"]:
        return f"{signs['undecodable']:,} of {total:,} records hold characters that can't be decoded; set encoding"
    return None


def problems_of(view: DataFrame, available: list[str], column: str, sql: str) -> list[str]:
    """Why the expression can't give `column` from the source columns `available`; empty when it can."""
    problems: list[str] = []
    while True:
        try:
            # Beside another column, so that an aggregate is refused as it will be when the night runs.
            result = view.select("_record", row_expression(view.sparkSession, sql).alias("found"))
            break
        except ExpressionError as error:
            return [*problems, f"{error}{_comma_hint(sql)}"]
        except AnalysisException as error:
            name = _unknown_column(error)
            if name is None or name in view.columns:
                return problems or [
                    f"not a Spark SQL expression that works here: {first_line(error)}{_comma_hint(sql)}"
                ]
            problems.append(unknown_name("column", name, available))
            # Spark stops at the first unknown column; define it to hear about the next one.
            view = view.withColumn(name, F.lit(None).cast("string"))
    if not problems:
        try:
            view.select("_record", row_expression(view.sparkSession, contract_cast(column, sql)))
        except AnalysisException:
            given = result.schema["found"].dataType.simpleString()
            problems.append(f"expected {expected_type(column)}, but the expression gives {given}")
    return problems


def _comma_hint(sql: str) -> str:
    """The trap of `[a, concat(b, c)]`: YAML splits a list at every comma that is not quoted."""
    return "" if sql.count("(") == sql.count(")") else " In a YAML list, quote an expression that contains a comma."


def _unknown_column(error: AnalysisException) -> str | None:
    if not (error.getCondition() or "").startswith("UNRESOLVED_COLUMN"):
        return None
    name = (error.getMessageParameters() or {}).get("objectName", "")
    return name.split("`")[1] if name.startswith("`") else name or None


def unknown_name(what: str, name: str, known: Collection[str]) -> str:
    """A sentence about a misspelt name: close matches first, then everything there is."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    close = [by_lower[match] for match in difflib.get_close_matches(name.lower(), list(by_lower), n=3, cutoff=0.6)]
    hint = f"; did you mean {' or '.join(close)}? There" if close else "; there"
    return f"unknown {what} {name!r}{hint} are: {', '.join(sorted(known)) or 'none'}"


def evaluate(view: DataFrame, columns: Mapping[str, str]) -> tuple[dict[str, int], dict[str, str]]:
    """Per contract column the number of NULLs, or the error that its expression raises on some record."""
    if not columns:
        return {}, {}
    counts = [F.count_if(F.expr(contract_cast(name, sql)).isNull()).alias(name) for name, sql in columns.items()]
    try:
        return (view.agg(*counts).first() or Row()).asDict(), {}
    except (PySparkException, Py4JJavaError) as error:
        if len(columns) == 1:
            return {}, {name: first_line(error) for name in columns}
    nulls: dict[str, int] = {}
    errors: dict[str, str] = {}
    for name, sql in columns.items():
        counted, failed = evaluate(view, {name: sql})
        nulls |= counted
        errors |= failed
    return nulls, errors


def mapped(view: DataFrame, columns: Mapping[str, str]) -> DataFrame:
    """Contract columns of the sample, beside the source record as `_record`."""
    return view.select(*[F.expr(contract_cast(name, sql)).alias(name) for name, sql in columns.items()], "_record")


def counts_of(rows: DataFrame, column: str) -> dict[str, int]:
    """How often each value occurs, NULL left out, most frequent first."""
    counted = rows.where(F.col(column).isNotNull()).groupBy(column).count().orderBy(F.desc("count"), column)
    return {row[column]: row["count"] for row in counted.collect()}


def time_range(rows: DataFrame, column: str) -> Row:
    """First and last time as text, rows with a time, and how many lie before 1971 and after tomorrow."""
    at = F.col(column)
    times = rows.agg(
        F.min(at).cast("string").alias("first"),
        F.max(at).cast("string").alias("last"),
        F.count(at).alias("times"),
        F.count_if(F.year(at) < 1971).alias("early"),
        F.count_if(at > F.expr("current_timestamp() + interval 1 day")).alias("future"),
    ).first()
    assert times is not None, "an aggregate without groups has one row"
    return times


def as_text(rows: DataFrame, count: int) -> list[list[str]]:
    """Some rows with every value as text, for people."""
    names = [name for name in rows.columns if name != "_record"]
    shown = rows.select(*[F.coalesce(F.col(name).cast("string"), F.lit("NULL")).alias(name) for name in names])
    return [list(row) for row in shown.limit(count).collect()]


def example(rows: DataFrame, condition: str) -> str:
    """One source record that fulfils the condition, as JSON."""
    row = rows.where(condition).select(F.to_json("_record").alias("record")).first()
    return str(row["record"]) if row else "none"


def first_line(error: Exception) -> str:
    """The first line of a Spark error that says something, without error state and Java stack."""
    text = error.java_exception.getMessage() if isinstance(error, Py4JJavaError) else str(error)
    return str(text).strip().splitlines()[0].split(" SQLSTATE:")[0].strip()
