"""`nightjar demo`: one night of MovieLens 100K through Airflow, task by task, and what came out."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table

from spark_jobs.cli.airflow_api import AirflowApi
from spark_jobs.cli.airflow_server import EmbeddedAirflow, free_port
from spark_jobs.cli.demo_page import show_page
from spark_jobs.cli.serve import wait_for_dag
from spark_jobs.contracts.errors import NightjarError
from spark_jobs.contracts.job_catalog import NIGHT
from spark_jobs.contracts.settings import Settings

DOMAIN, DAG, RUN_DATE = "movielens-100k", "night_movielens_100k", "1998-04-23"
FINISHED = ("success", "failed")
MARKS = {"success": "[green]done[/green]", "failed": "[red]failed[/red]", "skipped": "[dim]skipped[/dim]"}


class DemoFailedError(NightjarError):
    """The night failed; the message names the task, its last words and its log."""


def run_demo(settings: Settings, console: Console) -> None:
    """Start Airflow on a free port, run the night, stop Airflow, show the page."""
    started = time.monotonic()
    console.print("starting Airflow (SQLite, LocalExecutor)")
    with EmbeddedAirflow(settings, free_port()) as airflow:
        api = airflow.api()
        wait_for_dag(api, DAG)
        if left := api.fail_unfinished(DAG):
            console.print(f"{left} unfinished run of an earlier demo given up; its finished work is kept")
        api.unpause(DAG)
        run = api.trigger(DAG, {"run_date": RUN_DATE})
        console.print(f"night of {RUN_DATE}: DAG {DAG}, run {run}")
        state = follow(api, run, settings, console)
        seconds = stage_seconds(api, run)
        if state != "success":
            raise DemoFailedError(failure(api, run, settings))
    show_page(settings, DOMAIN, seconds, time.monotonic() - started, console)


def follow(api: AirflowApi, run: str, settings: Settings, console: Console) -> str:
    """Show the tasks until the run has ended; its final state. Without a terminal, one line per finished task.

    Raises DemoFailedError at the first task that would be tried again.
    """
    shown: set[str] = set()
    with Live(console=console, refresh_per_second=2, transient=False, auto_refresh=False) as live:
        while True:
            tasks = {task["task_id"]: task for task in api.tasks(DAG, run)}
            if console.is_terminal:
                live.update(progress(tasks), refresh=True)
            for name, task in tasks.items():
                if not console.is_terminal and name not in shown and task["state"] in MARKS:
                    shown.add(name)
                    console.print(f"  {name:<12} {task['state']:<8} {task['duration'] or 0:6.1f} s")
            state = api.run_state(DAG, run)
            if state in FINISHED:
                return state
            if any(task["state"] == "up_for_retry" for task in tasks.values()):
                # Somebody waits in front of the screen: better the reason now than a retry in a minute. What is read
                # before the run is given up: its tasks are skipped then, and its teardowns succeed.
                reason = failure(api, run, settings)
                api.fail_unfinished(DAG)
                raise DemoFailedError(reason)
            time.sleep(1)


def progress(tasks: dict[str, dict[str, object]]) -> Table:
    """The stages with their state."""
    table = Table(box=None, pad_edge=False)
    for column in ("stage", "state", "seconds", "what"):
        table.add_column(column, justify="right" if column == "seconds" else "left")
    for stage in NIGHT:
        task = tasks.get(stage.name, {})
        state, seconds = str(task.get("state") or "waiting"), task.get("duration")
        table.add_row(
            stage.name,
            MARKS.get(state, state),
            f"{seconds:.0f}" if isinstance(seconds, float) else "",
            stage.description,
        )
    return table


def stage_seconds(api: AirflowApi, run: str) -> dict[str, float]:
    """Duration of every task that ran, in seconds."""
    return {task["task_id"]: float(task["duration"]) for task in api.tasks(DAG, run) if task["duration"]}


def failure(api: AirflowApi, run: str, settings: Settings) -> str:
    """What failed, its last sentence and where its log is."""
    failed = [task for task in api.tasks(DAG, run) if task["state"] in ("failed", "up_for_retry")]
    names = ", ".join(task["task_id"] for task in failed) or "the run"
    folder = settings.home / "airflow" / "logs" / f"dag_id={DAG}" / f"run_id={run}"
    messages = [message for log in sorted(folder.rglob("*.log")) for message in _exceptions_in(log)]
    reason = messages[-1] if messages else "no reason was logged"
    return f"The night stopped in {names}: {reason}\nLogs: {folder}\nRun `make demo` again to continue from there."


def _exceptions_in(log: Path) -> Iterator[str]:
    """Messages of the exceptions in one of Airflow's task logs, which are lines of JSON."""
    for line in log.read_text(errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        yield from (str(detail["exc_value"]) for detail in entry.get("error_detail") or [])
