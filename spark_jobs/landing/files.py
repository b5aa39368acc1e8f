"""Landing files of any format as uniform records: a map from source column to string."""

from __future__ import annotations

import bz2
import gzip
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from functools import reduce
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_jobs.contracts.domain import CsvFormat, Format
from spark_jobs.contracts.errors import NightjarError
from spark_jobs.contracts.storage import spark_path

CORRUPT = "_corrupt_record"
LONGEST_HEADER = 100
"""Lines that the column names may take."""
OPENERS: dict[str, Callable[..., IO[Any]]] = {".gz": gzip.open, ".bz2": bz2.open}
"""Compressions that Spark reads by the ending of the name."""
COMPRESSIONS = (
    (b"\x1f\x8b", "gzip", ".gz"),
    (b"BZh", "bzip2", ".bz2"),
    (b"\x28\xb5\x2f\xfd", "Zstandard", ".zst"),
    (b"PK\x03\x04", "ZIP", None),
    (b"7z\xbc\xaf", "7-Zip", None),
)
"""How files begin, what they are, and the ending that Spark wants; None where it reads none."""
_INSTANT = "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"


class LandingFileError(NightjarError):
    """A landing file can't be read; the message names it."""


def read_records(spark: SparkSession, paths: list[str], format: Format) -> DataFrame:
    """Rows of the files as `record` (map of column to string), `corrupt` (raw text) and `uri` (of their file).

    Every scalar is a string and nested values are JSON text, whatever the format: one rule for all domain files. Files
    of other columns, or of other types, than the rest are read apart. Folders called `name=value` are columns, too.
    Raises LandingFileError for a file that Spark would stop at without naming it.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for path in paths:
        require_readable(path)
        groups.setdefault(_columns(path, format), []).append(path)
    frames = [_read(spark, names, [spark_path(path) for path in group], format) for names, group in groups.items()]
    records = reduce(DataFrame.unionByName, frames)
    return with_partition_columns(records) if any("=" in path.rsplit("/", 1)[0] for path in paths) else records


def with_partition_columns(records: DataFrame) -> DataFrame:
    """Records with the `name=value` folders of their file, where they have no such column themselves."""
    folders = "regexp_replace(uri, '[^/]*$', '')"
    # Once for the URI, once for how Hive writes signs; a plus is none of both.
    plain = "url_decode(replace(url_decode(replace(part, '+', '%2B')), '+', '%2B'))"
    names, values = (
        f"transform(regexp_extract_all({folders}, '([^/=]+)=([^/]*)', {group}), part -> {plain})" for group in (1, 2)
    )
    absent = "nullif(value, '__HIVE_DEFAULT_PARTITION__')"
    partitions = f"transform_values(map_from_arrays({names}, {values}), (name, value) -> {absent})"
    return records.withColumn("record", F.expr(f"map_concat({partitions}, record)"))


def _read(spark: SparkSession, names: tuple[str, ...], paths: list[str], format: Format) -> DataFrame:
    if format.type == "csv":
        return _read_csv(spark, names, paths, format)
    return _read_json(spark, paths) if format.type == "json" else _read_parquet(spark, paths)


def _read_json(spark: SparkSession, paths: list[str]) -> DataFrame:
    """Each line for itself: a schema of all of them would be wrong where two records differ."""
    lines = spark.read.text(paths).where("length(trim(value)) > 0")
    record = F.from_json("value", "map<string,string>")
    return lines.select(
        F.coalesce(record, F.expr("cast(map() as map<string,string>)")).alias("record"),
        F.when(record.isNull(), F.col("value")).alias("corrupt"),
        F.col("_metadata.file_path").alias("uri"),
    )


def _columns(path: str, format: Format) -> tuple[str, ...]:
    """What files must have alike to be read together; JSON names its columns in every record."""
    if format.type == "csv":
        return csv_columns(path, format)
    return parquet_columns(path) if format.type == "parquet" else ()


def require_readable(path: str) -> None:
    """Raise LandingFileError for an archive, or a compressed file that is cut or is called otherwise."""
    with Path(path).open("rb") as file:
        start = file.read(4)
    suffix = Path(path).suffix
    for signs, kind, ending in COMPRESSIONS:
        if start.startswith(signs) and suffix != ending:
            advice = f"call it {Path(path).name}{ending}" if ending else "unpack it"
            raise LandingFileError(f"{path}: a {kind} file; {advice}.")
    if suffix in OPENERS:
        try:
            with OPENERS[suffix](path, "rb") as content:
                while content.read(2**20):
                    pass
        except (OSError, EOFError, zlib.error) as error:
            raise LandingFileError(f"{path}: a broken {suffix} file: {error}. Deliver it again.") from None


def parquet_columns(path: str) -> tuple[str, ...]:
    """Names and types of one Parquet file's columns.

    Raises LandingFileError with the name of a file that Spark stops at without naming it; reads the footer alone.
    """
    try:
        footer = pq.read_metadata(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise LandingFileError(f"{path}: not a readable Parquet file: {error}. Deliver it again.") from None
    schema = footer.schema
    columns = [schema.column(number) for number in range(len(schema.names))]
    if nanoseconds := [column.path for column in columns if "timeUnit=nanoseconds" in str(column.logical_type)]:
        raise LandingFileError(
            f"{path}: Spark reads no times in nanoseconds, which {', '.join(nanoseconds)} has; write microseconds "
            '(`to_parquet(..., coerce_timestamps="us")` in pandas).'
        )
    lower = Counter(name.lower() for name in schema.to_arrow_schema().names)
    if alike := [name for name in schema.to_arrow_schema().names if lower[name.lower()] > 1]:
        raise LandingFileError(f"{path}: Spark can't tell {' and '.join(alike)} apart; give one another name.")
    chunks = footer.row_group(0) if footer.num_row_groups else None
    packed = {chunks.column(number).compression for number in range(chunks.num_columns)} if chunks else set()
    if unknown := packed & {"BROTLI", "LZO"}:
        raise LandingFileError(f"{path}: Spark reads no {', '.join(unknown)} compression; write it as zstd or snappy.")
    return tuple(f"{column.path} {column.physical_type} {column.logical_type}" for column in columns)


def csv_columns(path: str, format: CsvFormat) -> tuple[str, ...]:
    """Column names of one CSV file: from the domain file, or from its first line.

    Of columns with one name each is called by its number as well: `price (1)`, `price (2)`.
    """
    if not format.header:
        return tuple(format.names)
    opener = OPENERS.get(Path(path).suffix, open)
    try:
        # Records that can't be decoded are refused one by one; here the names alone must be readable.
        with opener(path, "rt", encoding=format.encoding, errors="replace", newline="") as file:
            line = _header(path, file, format).rstrip("\r\n").removeprefix("\ufeff")
    except (UnicodeError, LookupError) as error:
        raise LandingFileError(f"{path}: not readable as {format.encoding}: {error}; set format.encoding.") from None
    if "\ufffd" in line:
        raise LandingFileError(f"{path}: not readable as {format.encoding}: {line[:80]!r}; set format.encoding.")
    if "\0" in line:
        raise LandingFileError(f"{path}: binary content, or not {format.encoding}; expected column names.")
    if not line:
        raise LandingFileError(f"{path}: no header line; expected column names in the first line.")
    names = [name.strip() for name in _split(line, format)]
    counts = Counter(names)
    seen: Counter[str] = Counter()
    for number, name in enumerate(names):
        seen[name] += 1
        if counts[name] > 1:
            names[number] = f"{name} ({seen[name]})"
    return tuple(names)


def _header(path: str, file: Iterable[str], format: CsvFormat) -> str:
    """The first record: the first line, and those that follow while a quote is open."""
    lines, open_quote = [], False
    for line in file:
        lines.append(line)
        open_quote ^= bool(format.quote) and line.count(format.quote) % 2 == 1
        if not open_quote:
            break
        if len(lines) > LONGEST_HEADER:
            raise LandingFileError(
                f"{path}: a quote in the first line, {lines[0].strip()[:100]!r}, is not closed in {LONGEST_HEADER} "
                "lines; correct the header, or set format.quote to '' where quotes mean nothing."
            )
    return "".join(lines)


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
    # By place, since Spark can't tell names apart that differ in case alone.
    places = [f"_{number}" for number in range(len(names))]
    schema = T.StructType([T.StructField(name, T.StringType()) for name in (*places, CORRUPT)])
    options: dict[str, bool | str] = {
        "header": format.header,
        "sep": format.delimiter,
        "encoding": format.encoding,
        "quote": format.quote,
        "escape": format.escape or format.quote or "\\",
        "columnNameOfCorruptRecord": CORRUPT,
        "enforceSchema": True,
        "multiLine": format.multiline,
    }
    if format.null is not None:
        options["nullValue"] = format.null
    frame = spark.read.options(**options).schema(schema).csv(paths)
    return _as_records(frame, {name: F.col(place) for name, place in zip(names, places, strict=True)}, F.col(CORRUPT))


def _read_parquet(spark: SparkSession, paths: list[str]) -> DataFrame:
    frame = spark.read.parquet(*paths)
    texts: dict[str, Column] = {}
    for field in frame.schema.fields:
        column = F.col("`" + field.name.replace("`", "``") + "`")
        nested = isinstance(field.dataType, T.StructType | T.ArrayType | T.MapType)
        # With its offset: by wall-clock time the hour that autumn repeats would be one.
        text = F.date_format(column, _INSTANT) if field.dataType == T.TimestampType() else column.cast("string")
        texts[field.name] = F.to_json(column) if nested else text
    return _as_records(frame, texts, F.lit(None).cast("string"))


def _as_records(frame: DataFrame, texts: dict[str, Column], corrupt: Column) -> DataFrame:
    pairs = [part for name, text in texts.items() for part in (F.lit(name), text)]
    record = F.create_map(*pairs) if pairs else F.expr("cast(map() as map<string,string>)")
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
