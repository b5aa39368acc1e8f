"""The lakehouse without a JVM: ledgers, versions, and what nights decided."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from spark_jobs.contracts.storage import Location
from spark_jobs.contracts.tables import TABLES
from spark_jobs.lakehouse.schema import arrow_schema
from spark_jobs.lakehouse.tables import Lakehouse, NotWrittenError, OldTableError
from spark_jobs.ledgers.decisions import decided, latest

NIGHTS = [date(2026, 1, day) for day in (1, 2, 3)]
BEGUN = datetime(2026, 1, 9, tzinfo=UTC)


@pytest.fixture
def lakehouse(tmp_path: Path) -> Lakehouse:
    return Lakehouse(Location(str(tmp_path)), "shop")


def decide(lakehouse: Lakehouse, decision: str, night: date, outcome: str, version: str | None = None) -> None:
    written = lakehouse.version("ops.decisions") if lakehouse.exists("ops.decisions") else 0
    row = {"run_date": night, "decision": decision, "outcome": outcome, "reason": "why", "model_version": version}
    lakehouse.append("ops.decisions", [row | {"recorded_at": BEGUN + timedelta(seconds=written)}], {})


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_contract_makes_a_table_that_all_readers_read(lakehouse: Lakehouse, name: str) -> None:
    extra_columns = ["extra"] if TABLES[name].extra_columns else []
    lakehouse.create(name, extra_columns=extra_columns)
    log = (Path(lakehouse.uri(name)) / "_delta_log" / f"{0:020}.json").read_text()
    actions = {key: value for line in log.splitlines() for key, value in json.loads(line).items()}

    assert actions["protocol"] == {"minReaderVersion": 1, "minWriterVersion": 2}

    fields = json.loads(actions["metaData"]["schemaString"])["fields"]

    assert [field["name"] for field in fields] == TABLES[name].column_names + extra_columns
    assert all(field["metadata"]["comment"] for field in fields)
    assert actions["metaData"]["partitionColumns"] == list(TABLES[name].partition_by)


def test_rows_come_back_as_they_were_and_as_of_any_version(lakehouse: Lakehouse) -> None:
    with pytest.raises(NotWrittenError, match=r"ops\.decisions of domain shop"):
        lakehouse.query("SELECT 1 FROM d", d="ops.decisions")

    decide(lakehouse, "train", NIGHTS[0], "yes")
    first = lakehouse.version("ops.decisions")
    decide(lakehouse, "train", NIGHTS[1], "no")

    assert lakehouse.version("ops.decisions") == first + 1

    count = "SELECT count(*) AS n FROM d"

    assert lakehouse.query(count, d="ops.decisions")["n"][0].as_py() == 2
    assert lakehouse.query(count, d=("ops.decisions", first))["n"][0].as_py() == 1

    row = lakehouse.query("SELECT * FROM d", d=("ops.decisions", first)).to_pylist()[0]

    assert (row["run_date"], row["recorded_at"], row["model_version"]) == (NIGHTS[0], BEGUN, None)


def test_a_missing_value_of_a_required_column_is_refused(lakehouse: Lakehouse) -> None:
    with pytest.raises(Exception, match="decision"):
        lakehouse.append("ops.decisions", [{"run_date": NIGHTS[0], "outcome": "yes"}], {})
    assert lakehouse.query("SELECT count(*) AS n FROM d", d="ops.decisions")["n"][0].as_py() == 0


def test_columns_that_the_contract_leaves_open_may_change(lakehouse: Lakehouse) -> None:
    for extra_columns in (["a", "b"], ["b", "c"], ["b", "c"]):
        lakehouse.create("gold.training_examples", extra_columns=extra_columns)
        names = lakehouse.query("SELECT * FROM t", t="gold.training_examples").column_names
        assert names == arrow_schema(TABLES["gold.training_examples"], extra_columns).names
    assert lakehouse.version("gold.training_examples") == 1


def test_a_meaning_that_is_worded_anew_refuses_no_rows(lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    decide(lakehouse, "train", NIGHTS[0], "no")
    table = TABLES["ops.decisions"]
    columns = tuple(replace(column, description=f"{column.description} In other words.") for column in table.columns)
    monkeypatch.setitem(TABLES, "ops.decisions", replace(table, columns=columns))
    decide(lakehouse, "train", NIGHTS[1], "yes")

    assert decided(lakehouse, "train", NIGHTS[1])


def test_the_latest_decision_of_a_night_counts(lakehouse: Lakehouse) -> None:
    assert latest(lakehouse, "train") is None

    decide(lakehouse, "train", NIGHTS[0], "no")
    decide(lakehouse, "train", NIGHTS[0], "yes")
    decide(lakehouse, "publish", NIGHTS[0], "no")

    assert decided(lakehouse, "train", NIGHTS[0])
    assert not decided(lakehouse, "publish", NIGHTS[0])
    assert not decided(lakehouse, "train", NIGHTS[1])


def test_rows_are_found_by_the_values_of_partitions_and_of_other_columns(lakehouse: Lakehouse) -> None:
    kept = {"item_id": "i1", "neighbour_ids": ["i2", "i3"], "similarities": [0.5, 0.25]}
    rows = [{"as_of": day, "source": source, **kept} for day in NIGHTS for source in ("item_to_item", "ease", "ease")]
    schema = arrow_schema(TABLES["gold.item_neighbours"])
    version = lakehouse.replace("gold.item_neighbours", pa.Table.from_pylist(rows, schema), None, {})

    def found(**equal: object) -> list[dict]:
        return lakehouse.rows("gold.item_neighbours", version, **equal).to_pylist()

    assert len(found()) == 9
    assert found(as_of=NIGHTS[1]) == rows[3:6]
    assert found(as_of=NIGHTS[1], source="ease") == rows[4:6]
    assert found(as_of=date(2026, 2, 1)) == found(source="none") == []


def test_a_table_of_an_earlier_version_is_refused_with_the_new_name_of_its_column(tmp_path: Path) -> None:
    lakehouse = Lakehouse(Location(str(tmp_path)), "shop")
    write_deltalake(lakehouse.uri("ops.snapshots"), pa.table({"table": ["t"], "evidence": ["1 2 3"]}))

    with pytest.raises(OldTableError, match=r"ops.snapshots of domain shop has the column evidence, .*fingerprint"):
        lakehouse.add_missing_columns()
