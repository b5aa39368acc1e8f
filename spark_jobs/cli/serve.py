"""`nightjar airflow`: the web UI with the nightly DAGs, until ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import time

from rich.console import Console

from spark_jobs.cli.airflow_api import AirflowApi
from spark_jobs.cli.airflow_server import AIRFLOW, USER, AirflowError, EmbeddedAirflow
from spark_jobs.contracts.dag_catalog import MAINTENANCE_DAG, NIGHT_DAG
from spark_jobs.contracts.domain import DomainFileError, domain_files, load_domain
from spark_jobs.contracts.settings import Settings
from spark_jobs.contracts.storage import landing_location
from spark_jobs.landing.listing import list_files


def serve(settings: Settings, port: int, console: Console) -> None:
    """Start Airflow, unpause the nights that have landing files, and wait for ctrl-C or SIGTERM."""
    # Both signals end the wait the same way, also where a shell started this in the background with SIGINT ignored.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.default_int_handler)
    try:
        console.print("starting Airflow")
        with EmbeddedAirflow(settings, port) as airflow:
            for line in unpause_nights(settings, airflow.api()):
                console.print(line, soft_wrap=True)
            console.print(
                f"Airflow: {airflow.url}  user {USER}  password {airflow.password}  (ctrl-C stops it)", soft_wrap=True
            )
            while True:
                time.sleep(3600)
    except KeyboardInterrupt:
        console.print("stopped")


def run_airflow(settings: Settings, port: int, arguments: list[str]) -> int:
    """Run one command of Airflow's own CLI on the embedded database; its exit code."""
    airflow = EmbeddedAirflow(settings, port)
    airflow.migrate()
    return subprocess.run([*AIRFLOW, *arguments], env=airflow.environment(), check=False).returncode


def unpause_nights(settings: Settings, api: AirflowApi) -> list[str]:
    """Unpause the DAG of every domain whose landing files are there; one line for each domain."""
    lines = []
    for path in domain_files(settings.conf_dir):
        try:
            domain = load_domain(path)
        except DomainFileError as error:
            lines.append(f"{path.name} has mistakes: {'; '.join(error.problems)}")
            continue
        dag = NIGHT_DAG.dag_id(domain)
        wait_for_dag(api, dag)
        if list_files(landing_location(settings), domain.interactions.path):
            for name in (dag, MAINTENANCE_DAG.dag_id(domain)):
                wait_for_dag(api, name)
                api.unpause(name)
            lines.append(f"{dag}: {'runs ' + domain.schedule if domain.schedule else 'runs when triggered'}")
        else:
            lines.append(f"{dag}: paused, no landing files match {settings.landing / domain.interactions.path}")
    return lines


def wait_for_dag(api: AirflowApi, dag: str, seconds: float = 120) -> None:
    """Wait until the DAG processor has stored the DAG; raises AirflowError."""
    until = time.monotonic() + seconds
    while not api.has_dag(dag):
        if time.monotonic() > until:
            raise AirflowError(
                f"Airflow did not load {dag} within {seconds:.0f} s; see dag-processor.log in <home>/airflow."
            )
        time.sleep(1)
