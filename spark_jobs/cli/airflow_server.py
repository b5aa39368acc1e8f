"""Airflow on one machine: SQLite, LocalExecutor, loopback only. What `nightjar airflow` and the demo start.

Four processes (API server, scheduler, DAG processor, triggerer) in one process group, so that stopping leaves no
orphan. Nothing here defers; without the triggerer the web UI would show red.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import psutil

from spark_jobs.cli.airflow_api import AirflowApi, healthy
from spark_jobs.contracts.errors import NightjarError
from spark_jobs.contracts.settings import PROJECT_ROOT, Settings

AIRFLOW = (sys.executable, "-P", "-m", "spark_jobs.cli.airflow_main")
COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
USER = "admin"
START_SECONDS = 180


class AirflowError(NightjarError):
    """Airflow can't be started; the message says why and what to do."""


class EmbeddedAirflow:
    """A context manager: Airflow runs inside, and nothing of it outside."""

    def __init__(self, settings: Settings, port: int) -> None:
        self.settings, self.port = settings, port
        self.home = settings.home / "airflow"
        self.url = f"http://127.0.0.1:{port}"
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> EmbeddedAirflow:
        self._refuse_second()
        require_free(self.port)
        self.migrate()
        # Until the with-block is entered nobody else would stop what was started.
        try:
            for component in COMPONENTS:
                self._start(component)
            processes = {"parent": os.getpid(), "group": self._processes[0].pid}
            self._pid_file.write_text(json.dumps({name: [pid, _begun(pid)] for name, pid in processes.items()}))
            self._wait_until_healthy()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def password(self) -> str:
        """The generated password of the user `admin`, the same at every start."""
        file = self.home / "passwords.json"
        if not file.is_file():
            _write_private(file, json.dumps({USER: secrets.token_urlsafe(9)}))
        return str(json.loads(file.read_text())[USER])

    def api(self) -> AirflowApi:
        """A REST client, logged in."""
        return AirflowApi(self.url, USER, self.password)

    def environment(self) -> dict[str, str]:
        """Environment of every Airflow process, over this process's own."""
        binaries = str(Path(sys.executable).parent)
        keys = self._keys()
        return {
            **os.environ,
            "PATH": os.pathsep.join([binaries, os.environ.get("PATH", "")]),
            "NIGHTJAR_HOME": str(self.settings.home),
            "NIGHTJAR_CONF_DIR": str(self.settings.conf_dir),
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT_ROOT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT_ROOT / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "2",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.home / "passwords.json"),
            "AIRFLOW__CORE__FERNET_KEY": keys["fernet"],
            "AIRFLOW__API__SECRET_KEY": keys["session"],
            "AIRFLOW__API_AUTH__JWT_SECRET": keys["jwt"],
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home / 'airflow.db'}",
            "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
            "AIRFLOW_CONN_NIGHTJAR_SPARK": json.dumps({"conn_type": "spark", "host": self.settings.spark_master}),
        }

    def stop(self) -> None:
        """Stop every process of the group: ask first, then insist."""
        if self._processes:
            _stop_group(self._processes[0].pid, self._processes)
            self._processes.clear()
            self._pid_file.unlink(missing_ok=True)

    @property
    def _pid_file(self) -> Path:
        return self.home / "nightjar.pid"

    def _refuse_second(self) -> None:
        """Refuse a second Airflow on this home, and clear what a killed one left running."""
        if not self._pid_file.is_file():
            return
        noted = json.loads(self._pid_file.read_text())
        # A number alone may belong to anybody's process by now, after a reboot for example.
        running = {name for name, (pid, begun) in noted.items() if _begun(pid) == begun}
        if "parent" in running:
            raise AirflowError(
                f"Airflow already runs on {self.settings.home} (process {noted['parent'][0]}); stop it first, "
                "or set NIGHTJAR_HOME to another folder."
            )
        if "group" in running:
            _stop_group(noted["group"][0], [])
        self._pid_file.unlink()

    def _keys(self) -> dict[str, str]:
        """Secrets that the components share; made once, readable by the owner only."""
        file = self.home / "keys.json"
        if not file.is_file():
            from cryptography.fernet import Fernet

            keys = {
                "fernet": Fernet.generate_key().decode(),
                "session": secrets.token_hex(),
                "jwt": secrets.token_hex(),
            }
            _write_private(file, json.dumps(keys))
        return dict(json.loads(file.read_text()))

    def migrate(self) -> None:
        """Create or upgrade the metadata database; skipped while Airflow's version stays the same."""
        from importlib.metadata import version

        self.home.mkdir(parents=True, exist_ok=True)
        stamp = self.home / "migrated"
        if stamp.is_file() and stamp.read_text() == version("apache-airflow"):
            return
        with (self.home / "migrate.log").open("w") as log:
            migration = subprocess.run(
                [*AIRFLOW, "db", "migrate"], env=self.environment(), stdout=log, stderr=log, check=False
            )
        if migration.returncode:
            raise AirflowError(f"Airflow's database could not be set up: {_tail(self.home / 'migrate.log')}")
        stamp.write_text(version("apache-airflow"))

    def _start(self, component: str) -> None:
        _ = self.password  # the file must be there before the API server reads it
        leader = self._processes[0].pid if self._processes else 0
        with (self.home / f"{component}.log").open("w") as log:
            self._processes.append(
                subprocess.Popen(
                    [*AIRFLOW, component],
                    env=self.environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    process_group=leader,
                )
            )

    def _wait_until_healthy(self) -> None:
        started = time.monotonic()
        while not healthy(self.url):
            for component, process in zip(COMPONENTS, self._processes, strict=True):
                if process.poll() is not None:
                    log = self.home / f"{component}.log"
                    raise AirflowError(f"Airflow's {component} ended at once: {_tail(log)} (whole log: {log})")
            if time.monotonic() - started > START_SECONDS:
                raise AirflowError(f"Airflow was not healthy after {START_SECONDS} s; see the logs in {self.home}.")
            time.sleep(0.5)


def require_free(port: int) -> None:
    """Raise AirflowError where something listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise AirflowError(
                f"Port {port} on 127.0.0.1 can't be used ({error.strerror}); "
                f"choose another: NIGHTJAR_AIRFLOW_PORT={port + 1} make airflow"
            ) from None


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _write_private(file: Path, text: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        opened.write(text)


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.is_file() else []
    # SQLAlchemy ends with where to read about the error, not with the error.
    return ([line for line in lines if "Error" in line] or lines or ["no output"])[-1]


def _begun(pid: int) -> float | None:
    """When the process was started, which tells it from others that get its number later; None without one."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def _stop_group(group: int, children: list[subprocess.Popen[bytes]], patience: float = 15) -> None:
    for sent in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(group, sent)
        except (ProcessLookupError, PermissionError):
            break
        until = time.monotonic() + patience
        while time.monotonic() < until:
            for child in children:
                child.poll()
            try:
                os.killpg(group, 0)
            except ProcessLookupError:
                return
            time.sleep(0.2)
    for child in children:
        child.wait(timeout=patience)
