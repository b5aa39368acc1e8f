"""The job catalogue, the tables, the suites and the job modules agree."""

from __future__ import annotations

import importlib
import json

from spark_jobs.contracts.job_catalog import JOBS, NIGHT, unknown_tables
from spark_jobs.contracts.settings import PROJECT_ROOT
from spark_jobs.contracts.tables import TABLES


def test_the_folder_listing_is_the_night() -> None:
    """One folder per stage, one job a file, and the other way round: nothing else lies there."""
    for stage in NIGHT:
        modules = {path.stem for path in (PROJECT_ROOT / "spark_jobs" / stage.name).glob("*.py")} - {"__init__"}
        assert modules == {job.name for job in stage.jobs}, stage.name
        for job in stage.jobs:
            assert callable(importlib.import_module(f"spark_jobs.{stage.name}.{job.name}").run)
    assert [path.name for path in (PROJECT_ROOT / "spark_jobs").glob("*.py")] == ["__init__.py"]


OF_EARLIER_NIGHTS = {"ops.batches", "gold.recommendations", "ops.releases", "ops.drift"}
"""What jobs read that later jobs of the same night write."""


def test_jobs_name_known_tables_and_read_what_was_written_before() -> None:
    assert unknown_tables() == []

    written: set[str] = set()
    for stage in NIGHT:
        for job in stage.jobs:
            later = {name for name in job.inputs if name not in written}
            assert later <= OF_EARLIER_NIGHTS, f"{job.name} reads {later} before it is written"
            written |= set(job.outputs)

    assert written | {"ops.quality_results", "ops.runs", "ops.job_costs", "ops.leases", "ops.alerts"} == set(TABLES)


MAY_BE_EMPTY = {"gold.segment_popularity", "gold.item_neighbours"}
"""Where nobody with attributes has events yet, and where no user has two items."""


def test_gates_check_outputs_and_suites_cover_the_contract() -> None:
    gated = {table for job in JOBS.values() for table in job.gates}

    assert all(set(job.gates) <= set(job.outputs) for job in JOBS.values())

    for name in gated:
        suite = json.loads((PROJECT_ROOT / "expectations" / f"{name}.json").read_text())
        critical = [e for e in suite["expectations"] if e["severity"] == "critical"]
        table = TABLES[name]
        rules = {(e["type"], e["kwargs"].get("column")) for e in critical}
        assert name in MAY_BE_EMPTY or ("expect_table_row_count_to_be_between", None) in rules
        columns = next(e for e in critical if e["type"].startswith("expect_table_columns_to_match"))
        assert columns["kwargs"]["column_set" if table.extra_columns else "column_list"] == table.column_names
        for column in table.columns:
            assert column.nullable or ("expect_column_values_to_not_be_null", column.name) in rules, (name, column.name)
        keys = [
            e["kwargs"].get("column_list") or [e["kwargs"].get("column")] for e in critical if "unique" in e["type"]
        ]
        assert not table.key or list(table.key) in keys, name
        assert all(e.get("description") for e in suite["expectations"])


def test_every_column_of_text_says_whether_it_is_personal() -> None:
    """Erasure is driven by it: a new table can't be forgotten."""
    columns = [(table.full_name, column) for table in TABLES.values() for column in table.columns]
    texts = [(name, column) for name, column in columns if "string" in column.type]

    assert [(name, column.name) for name, column in texts if column.personal is None] == []
    assert [(name, column.name) for name, column in columns if column.personal and "string" not in column.type] == []
    assert all(column.personal for _, column in texts if column.name == "user_id")
