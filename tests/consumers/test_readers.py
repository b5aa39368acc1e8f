"""What the documents tell consumers to run gives the same rows with every reader, on a table that Spark wrote."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest
from deltalake import DeltaTable, QueryBuilder
from pyspark.sql import DataFrame, SparkSession

from spark_jobs.contracts.domain import find_domain
from spark_jobs.contracts.settings import PROJECT_ROOT, Settings
from spark_jobs.contracts.tables import TABLES
from spark_jobs.lakehouse.night import Night, schema_of

SERVED = TABLES["gold.recommendations"]
PAGE = PROJECT_ROOT / "docs" / "how-to" / "read-recommendations.md"
LAKEHOUSE = re.compile(r"\.nightjar/lakehouse/[a-z0-9-]+/")
READERS = ("delta-rs", "DuckDB", "Polars", "Spark")
Row = dict[str, Any]


def snippets(path: Path) -> list[tuple[str, str]]:
    """Heading and text of every Python block that reads the lakehouse."""
    found, heading = [], ""
    for match in re.finditer(r"^#+ ([^\n]+)$|^```python\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL):
        heading = match[1] or heading
        if match[2] and LAKEHOUSE.search(match[2]):
            found.append((heading, match[2]))
    return found


def run(text: str, folder: Path, spark: SparkSession) -> dict[str, Any]:
    """Run a snippet on the tables in `folder`; the names it defines."""
    names: dict[str, Any] = {"spark": spark}
    exec(LAKEHOUSE.sub(f"{folder.as_posix()}/", text), names)
    return names


def as_rows(found: Any) -> list[Row]:
    """Rows of whatever the reader returns, as plain Python values."""
    if isinstance(found, pa.Table):
        return found.to_pylist()
    if isinstance(found, pl.DataFrame):
        return found.to_dicts()
    assert isinstance(found, DataFrame)
    return [row.asDict(recursive=True) for row in found.collect()]


def lists(night: Night, release: str) -> DataFrame:
    """Lists of three users; scores and texts that a careless reader would change."""
    title, reason = 'Töst "quoted"\n, 食', "Because you took 'x'"
    rows = [
        (user, rank, f"i{rank}", title, 1 / 3 / rank, ["als", "popularity"], reason, night.run_date, release, "3")
        for user in ("196", "1960", "x'y")
        for rank in (3, 1, 2)
    ]
    return night.spark.createDataFrame(rows, schema_of(SERVED))


@pytest.fixture(scope="module")
def served(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DeltaTable]:
    """Folder of a domain that published twice, and the table as opened between the two."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), code_version="test")
    domain = find_domain(PROJECT_ROOT / "conf", "movielens-100k")
    before = Night(settings, domain, date(2026, 11, 23), spark=spark)
    before.replace(SERVED.full_name, lists(before, "r-1"))
    opened = DeltaTable(before.lakehouse.uri(SERVED.full_name))
    night = Night(settings, domain, date(2026, 11, 24), spark=spark)
    night.replace(SERVED.full_name, lists(night, "r-2"))
    facts = {"model_version": "3", "domain_digest": "d", "code_version": "test", "inputs": {}, "users": 3, "rows": 9}
    night.record("ops.releases", [facts | {"release": "r-1", "serving": True}])
    night.record("ops.releases", [facts | {"release": "r-2", "serving": True}])
    night.record("ops.releases", [facts | {"release": "r-0", "serving": False}])
    return settings.lakehouse / domain.domain, opened


@pytest.fixture(scope="module")
def expected(served: tuple[Path, DeltaTable], spark: SparkSession) -> list[Row]:
    """User 196's list, from the Parquet files that are live in the log, read by pyarrow alone."""
    table = DeltaTable(str(served[0] / "gold" / "recommendations"))
    rows = pa.concat_tables([pa.parquet.read_table(path) for path in table.file_uris()]).to_pylist()
    return sorted((row for row in rows if row["user_id"] == "196"), key=lambda row: row["rank"])


@pytest.mark.parametrize("reader", READERS)
def test_the_page_reads_one_list_alike_with_every_reader(
    reader: str, served: tuple[Path, DeltaTable], expected: list[Row], spark: SparkSession
) -> None:
    texts = [text for heading, text in snippets(PAGE) if heading == reader]

    assert len(texts) == 1

    rows = as_rows(run(texts[0], served[0], spark)["rows"])

    assert rows == expected
    assert [row["rank"] for row in rows] == [1, 2, 3]
    assert {row["release"] for row in rows} == {"r-2"}
    assert list(rows[0]) == SERVED.column_names


def test_the_page_finds_the_release_that_is_served(served: tuple[Path, DeltaTable], spark: SparkSession) -> None:
    names: dict[str, Any] = {}
    for heading, text in snippets(PAGE):
        if heading == "Which release is this?":
            names |= run(text, served[0], spark)

    assert names["release"]["release"] == "r-2"
    assert names["version"] == 2


def test_readme_snippets_run(served: tuple[Path, DeltaTable], spark: SparkSession) -> None:
    for _, text in snippets(PROJECT_ROOT / "README.md"):
        run(text, served[0], spark)


def test_every_snippet_of_the_page_is_run_by_a_test() -> None:
    assert {heading for heading, _ in snippets(PAGE)} == {*READERS, "Which release is this?"}


def test_the_page_lists_the_columns_of_the_contract() -> None:
    listed = re.findall(r"^\| `(\w+)` \| `([^`]+)` \| (.+) \|$", PAGE.read_text(), re.MULTILINE)

    assert listed == [(column.name, column.type, column.description) for column in SERVED.columns]
    assert not any(column.nullable for column in SERVED.columns)


def test_every_reader_can_read_the_protocol(served: tuple[Path, DeltaTable]) -> None:
    table = DeltaTable(str(served[0] / "gold" / "recommendations"))
    protocol = table.protocol()

    assert (protocol.min_reader_version, protocol.min_writer_version) == (1, 2)
    assert not protocol.reader_features
    assert table.metadata().configuration["delta.columnMapping.mode"] == "none"


def test_a_query_that_started_before_the_night_ends_on_whole_old_lists(served: tuple[Path, DeltaTable]) -> None:
    rows = pa.table(
        QueryBuilder().register("r", served[1]).execute("SELECT DISTINCT release, count(*) n FROM r GROUP BY 1")
    )
    assert rows.to_pylist() == [{"release": "r-1", "n": 9}]


def test_duckdb_over_a_query_builder_works_too(served: tuple[Path, DeltaTable]) -> None:
    table = DeltaTable(str(served[0] / "gold" / "recommendations"))
    recommendations = pa.table(QueryBuilder().register("r", table).execute("SELECT * FROM r"))
    found = duckdb.sql("SELECT count(*), sum(rank) FROM recommendations").fetchall()

    assert recommendations.num_rows == 9
    assert found == [(9, 18)]
