"""Nights in containers: green from nothing, green through the restart of every container, and nothing lost.

Everything runs in a copy of the project, under a project name and on ports of its own. `make test-compose`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from spark_jobs.cli.airflow_api import AirflowApi
from spark_jobs.cli.airflow_server import free_port
from spark_jobs.contracts.settings import PROJECT_ROOT
from spark_jobs.contracts.storage import Location
from spark_jobs.lakehouse.tables import Lakehouse

pytestmark = [pytest.mark.compose, pytest.mark.timeout(2400)]
DAG, DOMAIN, NIGHT = "night_movielens_100k", "movielens-100k", date(1998, 4, 23)
RESTARTED = {
    "postgres": "prepare",
    "airflow-apiserver": "prepare",
    "airflow-scheduler": "prepare",
    "airflow-dag-processor": "prepare",
    "airflow-triggerer": "prepare",
    "mlflow": "publish",
    "spark-master": "prepare",
    "spark-worker": "publish",
}
"""Every long-running service, with the task in whose middle it is restarted; RESTART_ONLY names some of them."""


@dataclass
class Stack:
    """The services of one project."""

    folder: Path
    name: str = "nightjar-test"
    ports: dict[str, int] = field(default_factory=dict)

    def compose(self, *arguments: str, check: bool = True) -> str:
        command = ["docker", "compose", "--project-name", self.name, *arguments]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NIGHTJAR_")}
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def setting(self, name: str) -> str:
        lines = (self.folder / ".env").read_text().splitlines()
        return next(line.split("=", 1)[1] for line in lines if line.startswith(f"{name}="))

    def api(self) -> AirflowApi:
        url = f"http://127.0.0.1:{self.ports['NIGHTJAR_AIRFLOW_PORT']}"
        until = time.monotonic() + 120
        while True:
            try:
                return AirflowApi(url, "admin", self.setting("NIGHTJAR_ADMIN_PASSWORD"))
            except (OSError, RuntimeError):
                if time.monotonic() > until:
                    raise
                time.sleep(2)

    def lakehouse(self) -> Lakehouse:
        """The tables, read by the host."""
        return Lakehouse(Location(str(self.folder / ".compose" / "lakehouse")), DOMAIN)

    def start_night(self, night: date) -> str:
        until = time.monotonic() + 120
        while not self.api().has_dag(DAG):
            assert time.monotonic() < until, self.compose("logs", "--tail", "20", "airflow-dag-processor")
            time.sleep(1)
        self.api().unpause(DAG)
        return self.api().trigger(DAG, {"run_date": str(night)})

    def tasks(self, run: str) -> dict[str, dict[str, Any]]:
        return {task["task_id"]: task for task in self.api().tasks(DAG, run)}

    def wait(self, run: str, task: str | None = None, seconds: float = 1500) -> str:
        """Wait until the run, or one of its tasks, is over or (a task) runs; its state."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if task and self.tasks(run)[task]["state"] == "running":
                    return "running"
                state = self.api().run_state(DAG, run)
            except (OSError, RuntimeError):
                state = "no answer"
            if state in ("success", "failed"):
                return state
            time.sleep(1)
        raise AssertionError(f"{run} did not end; {self.compose('ps', '-a')}")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """All services, started from nothing in a copy of the project; stopped and deleted afterwards."""
    folder = tmp_path_factory.mktemp("project") / "nightjar"
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    for name in filter(None, files):
        if (PROJECT_ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT_ROOT / name, folder / name)
    ports = {f"NIGHTJAR_{name}_PORT": free_port() for name in ("AIRFLOW", "MLFLOW", "SPARK")}
    (folder / ".env").write_text("".join(f"{name}={port}\n" for name, port in ports.items()))
    stack = Stack(folder, ports=ports)
    subprocess.run(["python3", "scripts/compose_env.py"], cwd=folder, check=True)
    # mktemp makes folders for one user only, and the containers run as another where that one is root.
    for parent in (folder, *folder.parents):
        if parent != Path("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o055)
        else:
            break
    try:
        started = time.monotonic()
        stack.compose("up", "--detach", "--build", "--wait")
        print(f"\nbuilt and healthy after {time.monotonic() - started:.0f} s")
        yield stack
    finally:
        stack.compose("down", "--volumes", check=False)


def test_a_night_goes_green_and_its_table_is_read_from_outside(stack: Stack) -> None:
    started = time.monotonic()
    run = stack.start_night(NIGHT)

    assert stack.wait(run) == "success", stack.tasks(run)

    print(f"\nfirst night {time.monotonic() - started:.0f} s")
    print(stack.compose("stats", "--no-stream"))
    served = (
        stack.lakehouse()
        .query(
            "SELECT count(*) AS rows, count(DISTINCT user_id) AS users, max(rank) AS longest, "
            "count(DISTINCT user_id || '|' || item_id) AS pairs, count(DISTINCT release) AS releases, "
            "count(*) FILTER (WHERE title = '' OR reason = '') AS mute FROM served",
            served="gold.recommendations",
        )
        .to_pylist()[0]
    )

    assert served == {"rows": 18860, "users": 943, "longest": 20, "pairs": 18860, "releases": 1, "mute": 0}


def test_the_model_is_found_through_the_server(stack: Stack) -> None:
    client = MlflowClient(f"http://127.0.0.1:{stack.ports['NIGHTJAR_MLFLOW_PORT']}")
    version = client.get_model_version_by_alias(f"nightjar.{DOMAIN}", "champion")

    assert version.tags["run_date"] == str(NIGHT)
    assert version.tags["code_version"].startswith("code-")

    model = client.get_logged_model(version.source.removeprefix("models:/"))

    assert model.artifact_location.startswith("mlflow-artifacts:/")


def test_an_edited_job_reaches_the_next_task_without_a_rebuild(stack: Stack) -> None:
    job = stack.folder / "spark_jobs" / "prepare" / "clean_users.py"
    head = "def run(night: Night) -> None:\n"
    job.write_text(job.read_text().replace(head, f'{head}    print("edited")\n'))
    run = stack.start_night(NIGHT + timedelta(days=1))

    assert stack.wait(run) == "success"

    logs = f"/opt/airflow/logs/dag_id={DAG}/run_id={run}/task_id=prepare"

    assert "edited" in stack.compose("exec", "airflow-scheduler", "grep", "-rh", "edited", logs)


def test_a_night_survives_the_restart_of_every_container(stack: Stack) -> None:
    lines = ["| restarted | in the middle of | the night ended | after | tries |", "|---|---|---|---|---|"]
    outcomes = {}
    only = os.environ.get("RESTART_ONLY", ",".join(RESTARTED)).split(",")
    for number, service in enumerate(only):
        task = RESTARTED[service]
        started = time.monotonic()
        run = stack.start_night(NIGHT + timedelta(days=2 + number))
        assert stack.wait(run, task) == "running"
        time.sleep(8)
        stack.compose("restart", "--timeout", "10", service)
        outcomes[service] = stack.wait(run)
        tries = ", ".join(
            f"{name} {one['try_number']}" for name, one in stack.tasks(run).items() if one["try_number"] > 1
        )
        seconds = time.monotonic() - started
        lines.append(f"| `{service}` | `{task}` | {outcomes[service]} | {seconds:.0f} s | {tries or 'one each'} |")
        print(f"\n{lines[-1]}", flush=True)
    print("\n" + "\n".join(lines))

    assert set(outcomes.values()) == {"success"}, outcomes
    assert stack.lakehouse().query("SELECT max(run_date) AS d FROM s", s="gold.recommendations")["d"][0].as_py() == (
        NIGHT + timedelta(days=1 + len(only))
    )


def test_nothing_is_lost_when_all_of_it_is_taken_down_and_up_again(stack: Stack) -> None:
    def state() -> tuple[Any, ...]:
        client = MlflowClient(f"http://127.0.0.1:{stack.ports['NIGHTJAR_MLFLOW_PORT']}")
        runs = stack.api().call("GET", f"/api/v2/dags/{DAG}/dagRuns?limit=100")["dag_runs"]
        version = client.get_model_version_by_alias(f"nightjar.{DOMAIN}", "champion").version
        return version, sorted((run["dag_run_id"], run["state"]) for run in runs), stack.lakehouse().count("ops.runs")

    before = state()
    stack.compose("down")
    stack.compose("up", "--detach", "--wait")

    assert state() == before

    stack.compose("down", "--volumes")

    assert not stack.compose("ps", "--all", "--quiet").strip()

    volumes = subprocess.run(["docker", "volume", "ls", "-q"], capture_output=True, text=True, check=True).stdout

    assert stack.name not in volumes
