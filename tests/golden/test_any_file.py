"""Whatever bytes land: every record is accounted for, or the file is refused in words."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.errors import NightjarError
from spark_jobs.contracts.settings import Settings
from spark_jobs.lakehouse.night import Night
from spark_jobs.prepare.clean_interactions import run as clean
from spark_jobs.prepare.ingest_landing_files import run as ingest
from tests.golden.test_golden import FOLDER

TIMES = ["2026-02-01T10:00:00Z", "2026-02-30", "1969-01-01", "1769940000000000000", "24:00", "+294247-01-10T04:00:54Z"]
CELL = st.text(max_size=8) | st.integers().map(str) | st.floats().map(str)
ROW = st.tuples(CELL, CELL, CELL, st.sampled_from(["buy", "view", "Buy", ""]), st.sampled_from(TIMES) | CELL, CELL)
JUNK = st.lists(st.binary(max_size=60), min_size=1, max_size=2)
FILES = st.lists(st.lists(ROW, max_size=4), min_size=1, max_size=2)


def as_csv(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["id", "who", "what", "kind", "at", "price"])
    writer.writerows(rows)
    return text.getvalue().encode("utf-8", "surrogatepass")


@given(files=FILES.map(lambda files: [as_csv(rows) for rows in files]) | JUNK)
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_every_record_is_accounted_for(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, files: list[bytes]
) -> None:
    home = tmp_path_factory.mktemp("any")
    content: dict[str, Any] = yaml.safe_load((FOLDER / "domain.yaml").read_text())
    content["interactions"]["format"] = {"type": "csv", "multiline": True}
    (home / "landing" / "in").mkdir(parents=True)
    for number, data in enumerate(files):
        (home / "landing" / "in" / f"{number}.csv").write_bytes(data)
    night = Night(Settings(home=home, code_version="v"), Domain.model_validate(content), date(2026, 3, 1), spark=spark)

    refusal = ""
    try:
        for job in (ingest, clean):
            job(night.for_job())
    except NightjarError as error:
        refusal = str(error)
    if refusal:
        assert "\tat " not in refusal
        return

    count = night.lakehouse.count
    outcomes = night.rows("ops.batches").to_pylist()
    assert count("bronze.interactions") == sum(row["received"] for row in outcomes)
    assert count("bronze.interactions") == (
        count("silver.interactions")
        + count("quarantine.interactions")
        + sum(row["duplicates"] + row["left_out"] for row in outcomes)
    )
