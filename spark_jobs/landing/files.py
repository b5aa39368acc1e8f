"""Landing files of any format as uniform records: a map from source column to string."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_jobs.contracts.domain import CsvFormat, Format
from spark_jobs.contracts.errors import NightjarError

CORRUPT = "_corrupt_record"
_INSTANT = "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"


class LandingFileError(NightjarError):
    """A landing file can't be read; the message names it."""


def read_records(spark: SparkSession, paths: list[str], format: Format) -> DataFrame:
    """Rows of the files as `record` (map of column to string), `corrupt` (raw text) and `uri` (of their file).

    Every scalar is a string and nested values are JSON text, whatever the format: one rule for all domain files.
    """
    if format.type == "json":
        frame = spark.read.options(primitivesAsString=True, columnNameOfCorruptRecord=CORRUPT).json(paths)
        if frame.columns == [CORRUPT]:
            # Spark refuses to read the corrupt column alone, which is what files of nothing but garbage give.
            frame = spark.read.text(paths).withColumnRenamed("value", CORRUPT)
        return _as_records(frame)
    if format.type == "parquet":
        for path in paths:
            require_readable_parquet(path)
        return _as_records(spark.read.option("mergeSchema", True).parquet(*paths))
    groups: dict[tuple[str, ...], list[str]] = {}
    for path in paths:
        groups.setdefault(csv_columns(path, format), []).append(path)
    frames = [_read_csv(spark, names, group, format) for names, group in groups.items()]
    records = frames[0]
    for frame in frames[1:]:
        records = records.unionByName(frame)
    return records


def require_readable_parquet(path: str) -> None:
    """Raise LandingFileError with the name of a file that Spark stops at without naming it; reads the footer alone."""
    try:
        schema = pq.read_metadata(path).schema
    except pa.ArrowInvalid as error:
        raise LandingFileError(f"{path}: not a readable Parquet file: {error}. Deliver it again.") from None
    columns = [schema.column(number) for number in range(len(schema.names))]
    if nanoseconds := [column.path for column in columns if "timeUnit=nanoseconds" in str(column.logical_type)]:
        raise LandingFileError(
            f"{path}: Spark reads no times in nanoseconds, which {', '.join(nanoseconds)} has; write microseconds "
            '(`to_parquet(..., coerce_timestamps="us")` in pandas).'
        )


def csv_columns(path: str, format: CsvFormat) -> tuple[str, ...]:
    """Column names of one CSV file: from the domain file, or from its first line."""
    if not format.header:
        return tuple(format.names)
    try:
        with Path(path).open(encoding=format.encoding, newline="") as file:
            line = _header(file, format).rstrip("\r\n").removeprefix("\ufeff")
    except (UnicodeDecodeError, LookupError) as error:
        raise LandingFileError(f"{path}: not readable as {format.encoding}: {error}; set format.encoding.") from None
    if not line:
        raise LandingFileError(f"{path}: no header line; expected column names in the first line.")
    return tuple(name.strip() for name in _split(line, format))


def _header(file: Iterable[str], format: CsvFormat) -> str:
    """The first record: the first line, and those that follow while a quote is open."""
    record = ""
    for line in file:
        record += line
        if not format.quote or record.count(format.quote) % 2 == 0:
            break
    return record


def _split(line: str, format: CsvFormat) -> list[str]:
    """The values of a record; a delimiter between quotes separates nothing."""
    quote, names, part = format.quote, [], ""
    for piece in line.split(format.delimiter):
        part = f"{part}{format.delimiter}{piece}" if part else piece
        if not quote or part.count(quote) % 2 == 0:
            names.append(part)
            part = ""
    names += [part] if part else []
    return [_unquoted(name.strip(), quote) for name in names]


def _unquoted(name: str, quote: str) -> str:
    inside = name[1:-1] if quote and len(name) > 1 and name[0] == name[-1] == quote else name
    return inside.replace(quote * 2, quote) if quote else inside


def _read_csv(spark: SparkSession, names: tuple[str, ...], paths: list[str], format: CsvFormat) -> DataFrame:
    schema = T.StructType([T.StructField(name, T.StringType()) for name in (*names, CORRUPT)])
    options: dict[str, bool | str] = {
        "header": format.header,
        "sep": format.delimiter,
        "encoding": format.encoding,
        "quote": format.quote,
        "escape": format.quote or "\\",
        "columnNameOfCorruptRecord": CORRUPT,
        "enforceSchema": True,
        "multiLine": format.multiline,
    }
    return _as_records(spark.read.options(**options).schema(schema).csv(paths))


def _as_records(frame: DataFrame) -> DataFrame:
    names = [field.name for field in frame.schema.fields if field.name != CORRUPT]
    pairs: list[Column] = []
    for field in frame.schema.fields:
        if field.name in names:
            column = F.col(f"`{field.name}`")
            nested = isinstance(field.dataType, T.StructType | T.ArrayType | T.MapType)
            # With its offset: by wall-clock time the hour that autumn repeats would be one.
            text = F.date_format(column, _INSTANT) if field.dataType == T.TimestampType() else column.cast("string")
            pairs += [F.lit(field.name), F.to_json(column) if nested else text]
    record = F.create_map(*pairs) if pairs else F.expr("cast(map() as map<string,string>)")
    corrupt = F.col(CORRUPT) if CORRUPT in frame.columns else F.lit(None).cast("string")
    uri = F.col("_metadata.file_path").alias("uri")
    return frame.select(record.cast("map<string,string>").alias("record"), corrupt.alias("corrupt"), uri)


def record_columns(records: DataFrame) -> list[str]:
    """Source columns that appear in `records`, sorted."""
    # Records of one file have the same keys in the same order, so that few lists are distinct.
    rows = records.select(F.map_keys("record").alias("names")).distinct().collect()
    return sorted({name for row in rows for name in row.names or []})


def source_view(records: DataFrame, columns: list[str]) -> DataFrame:
    """`records` with one string column per source column before the record's own columns.

    Domain expressions are evaluated on this view. Names of ours are prefixed so that they can't clash.
    """
    own = [F.col(name).alias(f"_{name}") for name in records.columns]
    return records.select(*[F.col("record")[name].alias(name) for name in columns], *own)
