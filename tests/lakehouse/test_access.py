"""Jobs use the tables that the catalogue gives them, and no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from pyspark.sql import SparkSession

from spark_jobs.contracts.job_catalog import Job, Stage
from spark_jobs.lakehouse.access import UndeclaredTableError
from spark_jobs.lakehouse.night import Night
from spark_jobs.runner import run as runner
from spark_jobs.runner.run import JobFailedError, run_stage
from tests.nights import night_of, write_domain

DECISION = {"decision": "train", "outcome": "yes", "reason": "tested"}
PLANTED: dict[str, Callable[[Night], object]] = {
    "reads ops.releases": lambda night: night.read("ops.releases"),
    "reads gold.recommendations": lambda night: night.lakehouse.count("gold.recommendations"),
    "reads silver.items": lambda night: night.lakehouse.query("SELECT 1 FROM i", i="silver.items"),
    "reads silver.users": lambda night: night.rows("silver.users"),
    "writes ops.decisions": lambda night: night.record("ops.decisions", [DECISION]),
    "writes gold.item_features": lambda night: night.lakehouse.create("gold.item_features"),
    "reads bronze.users": lambda night: night.lakehouse.copy_rows("bronze.users", "ops.runs", "true", {}),
}


@pytest.mark.parametrize("words", PLANTED)
def test_a_table_that_the_catalogue_does_not_give_fails_the_job(
    spark: SparkSession, home: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    night = night_of(spark, write_domain(home), "2026-01-05")
    night.record("ops.decisions", [DECISION])
    job = Job("planted", "Reads what it may not.", inputs=("ops.decisions",), outputs=("ops.runs",))
    module = SimpleNamespace(run=PLANTED[words])
    monkeypatch.setattr(runner.importlib, "import_module", lambda _: module)

    with pytest.raises(JobFailedError, match=f"planted {words}, which is not among its .*job_catalog") as caught:
        run_stage(night, Stage("prepare", "One job.", (job,)))

    assert isinstance(caught.value.__cause__, UndeclaredTableError)
    assert not caught.value.retry


def test_what_a_job_reads_and_writes_is_recorded_ledgers_included(spark: SparkSession, home: Path) -> None:
    night = night_of(spark, write_domain(home), "2026-01-05")
    night.record("ops.decisions", [DECISION])
    job = Job("planted", "Reads and writes ledgers.", inputs=("ops.decisions",), outputs=("ops.runs",))

    ours = night.for_job(job)
    ours.lakehouse.query("SELECT count(*) FROM d", d="ops.decisions")
    ours.lakehouse.exists("ops.runs")

    assert ours.versions_read == {"ops.decisions": 1}
    assert ours.versions_written == {}
