"""The few calls of Airflow's REST API that the command line makes."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from spark_jobs.contracts.errors import NightjarError


class AirflowApiError(NightjarError):
    """Airflow answered with an error; the message holds call, status and answer."""


def healthy(url: str) -> bool:
    """Whether database, scheduler and DAG processor all report to be healthy."""
    try:
        with urllib.request.urlopen(f"{url}/api/v2/monitor/health", timeout=5) as answer:
            health = json.load(answer)
    except (OSError, ValueError):
        return False
    return all(health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor"))


class AirflowApi:
    """A client that is logged in."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url, self._token = url, ""
        self._token = self.call("POST", "/auth/token", {"username": user, "password": password})["access_token"]

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One call; raises AirflowApiError for an answer that is not a success."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AirflowApiError(f"{method} {path}: {error.code} {error.read().decode()[:500]}") from None

    def has_dag(self, dag: str) -> bool:
        """Whether the DAG processor has stored the DAG."""
        try:
            self.call("GET", f"/api/v2/dags/{dag}")
        except AirflowApiError:
            return False
        return True

    def unpause(self, dag: str) -> None:
        """Let the DAG run."""
        self.call("PATCH", f"/api/v2/dags/{dag}", {"is_paused": False})

    def trigger(self, dag: str, conf: dict[str, Any]) -> str:
        """Start a run; its id."""
        return str(self.call("POST", f"/api/v2/dags/{dag}/dagRuns", {"logical_date": None, "conf": conf})["dag_run_id"])

    def fail_unfinished(self, dag: str) -> int:
        """Mark runs that a killed Airflow left unfinished as failed; how many there were."""
        states = "state=running&state=queued"
        runs = self.call("GET", f"/api/v2/dags/{dag}/dagRuns?{states}&limit=100")["dag_runs"]
        for run in runs:
            self.call("PATCH", f"/api/v2/dags/{dag}/dagRuns/{run['dag_run_id']}", {"state": "failed"})
        return len(runs)

    def run_state(self, dag: str, run: str) -> str:
        """State of a run."""
        return str(self.call("GET", f"/api/v2/dags/{dag}/dagRuns/{run}")["state"])

    def tasks(self, dag: str, run: str) -> list[dict[str, Any]]:
        """Task instances of a run, with task_id, state, duration and try_number."""
        return list(self.call("GET", f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances")["task_instances"])
