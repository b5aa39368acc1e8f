"""Real Airflow in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from spark_jobs.contracts.settings import PROJECT_ROOT

DESCRIBE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.definitions.param import ParamsDict
bag = DagBag(sys.argv[1])
def task(t):
    # A form that a task shows must be valid as it is: Airflow fails the task before anybody can fill it in.
    ParamsDict.filter_params_by_source(t.params, source="task").validate()
    timeout = t.execution_timeout.total_seconds() if t.execution_timeout else None
    return {"down": sorted(t.downstream_task_ids), "retries": t.retries, "backoff": bool(t.retry_exponential_backoff),
            "timeout": timeout, "rule": t.trigger_rule.value, "links": [link.name for link in t.operator_extra_links],
            "inlets": [asset.name for asset in t.inlets], "outlets": [asset.name for asset in t.outlets]}
print("DAGS" + json.dumps({"errors": bag.import_errors, "pyspark": "pyspark.sql" in sys.modules, "dags": {
    name: {"doc": dag.doc_md,
           "deadlines": [one.callback.path for one in dag.deadline or []], "tags": sorted(dag.tags), "owner": dag.owner,
           "max_active_runs": dag.max_active_runs, "catchup": dag.catchup,
           "timeout": dag.dagrun_timeout.total_seconds() if dag.dagrun_timeout else None,
           "params": {key: param.schema for key, param in dag.params.items()} if hasattr(dag.params, "items") else {},
           "tasks": {t.task_id: task(t) for t in dag.tasks}}
    for name, dag in bag.dags.items()}}))
"""


RUN = """
import json, re, sys
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk.exceptions import AirflowFailException
from nightjar_airflow.stage_operator import NightjarStageOperator
def execute(self, context):
    if self.task_id in sys.argv[4].split(","):
        raise AirflowFailException("planted")
NightjarStageOperator.execute = execute  # the shape of the night is what runs, not its jobs
dag = DagBag(sys.argv[1]).get_dag(sys.argv[2])
dag.deadline = None  # Airflow 3.3.2 can't store the deadlines of a DAG that is run in this process
run = dag.test(run_conf=json.loads(sys.argv[3]))
print("STATES" + json.dumps({ti.task_id: str(ti.state) for ti in run.get_task_instances()}))
"""


def airflow_environment(home: Path, conf: Path) -> dict[str, str]:
    return {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT_ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT_ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "NIGHTJAR_HOME": str(home),
        "NIGHTJAR_CONF_DIR": str(conf),
    }


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated metadata database."""
    home = tmp_path_factory.mktemp("airflow")
    environment = airflow_environment(home, PROJECT_ROOT / "conf")
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], env=environment, check=True, capture_output=True)
    return home


def load_dags(home: Path, conf: Path) -> dict[str, Any]:
    """Parse dags/ with Airflow in a process of its own, and describe what came out."""
    command = [sys.executable, "-c", DESCRIBE, str(PROJECT_ROOT / "dags")]
    done = subprocess.run(command, env=airflow_environment(home, conf), capture_output=True, text=True, check=False)
    line = next((line for line in done.stdout.splitlines() if line.startswith("DAGS")), None)
    assert line, done.stderr[-3000:]
    return dict(json.loads(line[4:]))


def run_dag(home: Path, lakehouse_home: Path, dag: str, conf: dict[str, str], failing: list[str]) -> dict[str, str]:
    """Run a DAG with Airflow's own rules, its stages doing nothing or failing; the state of every task."""
    environment = airflow_environment(home, PROJECT_ROOT / "conf") | {"NIGHTJAR_HOME": str(lakehouse_home)}
    command = [sys.executable, "-c", RUN, str(PROJECT_ROOT / "dags"), dag, json.dumps(conf), ",".join(failing)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    line = next((line for line in done.stdout.splitlines() if line.startswith("STATES")), None)
    assert line, done.stderr[-3000:]
    return dict(json.loads(line[6:]))
