"""A JVM that dies is a sentence and a row in the ledger, told by the process that survives."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from spark_jobs.contracts.settings import PROJECT_ROOT, Settings
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.recommender.ranking.device import DeviceError
from spark_jobs.runner.failures import describe_failure
from tests.nights import land, write_domain

OPERATOR = """
from types import SimpleNamespace
from nightjar_airflow.stage_operator import NightjarStageOperator
task = NightjarStageOperator(task_id="prepare", domain="shop", stage="prepare", run_date="2026-01-02")
task.application_args = [part.replace("{{ run_id }}", "1") for part in task.application_args]
try:
    task.execute({})
except Exception as error:
    print("RAISED", type(error).__name__, error)
"""


@pytest.fixture
def shop(home: Path) -> Path:
    """Events enough that cleaning takes seconds."""
    write_domain(home)
    rows = [f"{n},u{n},a{n % 50},buy,2026-01-01T10:00:00Z,5" for n in range(300_000)]
    land(home, "day1.csv", *rows)
    return home


def run_and_kill(command: list[str], environment: dict[str, str], begun: Callable[[], bool]) -> tuple[int, str]:
    """Run a command and kill the JVM below it once something has begun; its exit code and what it printed."""
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        parent, until = psutil.Process(process.pid), time.monotonic() + 120
        while time.monotonic() < until:
            java = [one for one in parent.children(recursive=True) if is_java(one)]
            if java and begun():
                java[0].kill()
                break
            time.sleep(0.05)
        output, _ = process.communicate(timeout=120)
        return process.returncode, output


def is_java(process: psutil.Process) -> bool:
    """Whether it is a JVM; a process that has ended since is none."""
    try:
        return process.name() == "java"
    except psutil.NoSuchProcess:
        return False


def failures(home: Path) -> list[dict[str, str]]:
    found = Lakehouse.of(Settings(home=home), "shop").query(
        "SELECT stage, job, error FROM runs WHERE status = 'failed'", runs="ops.runs"
    )
    return [dict(row) for row in found.to_pylist()]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (DeviceError("Asked XGBoost to train on cuda, but it trained on cpu."), "Asked XGBoost to train on cuda, but"),
        (ValueError("two\nlines"), "ValueError: two\nlines"),
    ],
)
def test_what_a_worker_raised_is_told_without_its_traceback(spark: SparkSession, error: Exception, told: str) -> None:
    def fail(_: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        raise error

    with pytest.raises(PySparkException) as raised:
        spark.range(1).mapInArrow(fail, "id long").collect()

    failure = describe_failure(raised.value, spark, Settings())

    assert failure.message.startswith(told)
    assert "Traceback" not in failure.message
    # What we foresaw is not tried again, and what we did not is a bug.
    assert failure.retry is failure.bug is isinstance(error, ValueError)


@pytest.mark.parametrize("take", [lambda: np.empty(2**55), lambda: pa.allocate_buffer(2**60)], ids=["numpy", "arrow"])
def test_memory_that_a_worker_cannot_get_is_told_with_a_remedy(spark: SparkSession, take: Callable[[], object]) -> None:
    def fail(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        take()
        yield from batches

    with pytest.raises(PySparkException) as raised:
        spark.range(1).mapInArrow(fail, "id long").collect()

    failure = describe_failure(raised.value, spark, Settings())

    assert failure.message.startswith("There was no memory for the rows")
    assert "MemoryError" in failure.message
    assert "NIGHTJAR_SPARK_MASTER=local[1]" in failure.message
    assert "\n" not in failure.message
    assert failure.retry
    assert not failure.bug


def test_a_night_whose_jvm_is_killed_says_so_in_one_sentence_and_in_the_ledger(shop: Path) -> None:
    nightjar = str(Path(sys.executable).parent / "nightjar")
    command = [nightjar, "night", "-d", "shop", "--run-date", "2026-01-02"]
    bronze = shop / "lakehouse" / "shop" / "bronze" / "interactions"
    code, output = run_and_kill(command, dict(os.environ), lambda: any(bronze.glob("*/*.parquet")))

    assert code == 1
    assert "JVM was killed" in output
    assert "NIGHTJAR_SPARK_MASTER" in output
    assert "Traceback" not in output

    found = failures(shop)

    assert found
    assert all("JVM was killed" in row["error"] for row in found)


@pytest.fixture
def of_airflow(home: Path) -> dict[str, str]:
    """The environment of an Airflow task on this home."""
    return {
        **os.environ,
        "AIRFLOW_HOME": str(home / "airflow"),
        "PYTHONPATH": os.pathsep.join([str(PROJECT_ROOT / "plugins"), str(PROJECT_ROOT)]),
        "AIRFLOW_CONN_NIGHTJAR_SPARK": '{"conn_type": "spark", "host": "local[2]"}',
    }


def test_a_task_whose_jvm_is_killed_says_so_too(shop: Path, of_airflow: dict[str, str]) -> None:
    bronze = shop / "lakehouse" / "shop" / "bronze" / "interactions"
    _, output = run_and_kill([sys.executable, "-c", OPERATOR], of_airflow, bronze.exists)
    raised = next(line for line in output.splitlines() if line.startswith("RAISED"))

    assert "prepare/ingest_landing_files: Spark's JVM was killed, as machines do that run out of memory." in raised
    assert "NIGHTJAR_DRIVER_MEMORY" in raised
    assert [row["job"] for row in failures(shop)] == ["ingest_landing_files"]


def test_a_task_whose_domain_file_broke_since_its_dag_was_made_is_not_tried_again(
    home: Path, of_airflow: dict[str, str]
) -> None:
    (home / "conf" / "shop.yaml").write_text("domain: shop\n")
    ended = subprocess.run([sys.executable, "-c", OPERATOR], env=of_airflow, capture_output=True, text=True, check=True)

    assert "RAISED AirflowFailException" in ended.stdout
    assert "shop.yaml: interactions: missing" in ended.stdout
