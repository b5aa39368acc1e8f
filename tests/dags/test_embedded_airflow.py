"""Airflow on one machine: refuses clearly, starts healthy, and leaves nothing running."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from spark_jobs.cli.airflow_server import AirflowError, EmbeddedAirflow, free_port
from spark_jobs.cli.serve import run_airflow
from spark_jobs.contracts.settings import Settings


def test_a_taken_port_is_one_sentence_with_a_way_out(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(AirflowError, match=f"Port {port} .* NIGHTJAR_AIRFLOW_PORT={port + 1} make airflow"),
            EmbeddedAirflow(Settings(home=tmp_path), port),
        ):
            pass


def test_a_second_airflow_on_the_same_home_is_refused(tmp_path: Path) -> None:
    (tmp_path / "airflow").mkdir()
    mine = [os.getpid(), psutil.Process().create_time()]
    (tmp_path / "airflow" / "nightjar.pid").write_text(json.dumps({"parent": mine, "group": [1, 0.0]}))

    with pytest.raises(AirflowError, match="already runs"), EmbeddedAirflow(Settings(home=tmp_path), free_port()):
        pass


def test_a_database_that_can_not_be_made_is_told_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "airflow" / "airflow.db").mkdir(parents=True)
    with (
        pytest.raises(AirflowError, match=r"could not be set up: .*unable to open database file"),
        EmbeddedAirflow(Settings(home=tmp_path), free_port()),
    ):
        pass


def test_a_command_makes_the_database_where_airflow_never_ran(tmp_path: Path) -> None:
    assert run_airflow(Settings(home=tmp_path / "new"), free_port(), ["db", "check-migrations"]) == 0


def test_a_process_that_got_the_number_of_a_dead_one_is_left_alone(tmp_path: Path) -> None:
    """What a reboot leaves: a pid file whose numbers belong to somebody else by now."""
    (tmp_path / "airflow").mkdir()
    pid_file = tmp_path / "airflow" / "nightjar.pid"
    with subprocess.Popen(["sleep", "60"], process_group=0) as bystander:
        pid_file.write_text(json.dumps({"parent": [bystander.pid, 1.0], "group": [bystander.pid, 1.0]}))
        EmbeddedAirflow(Settings(home=tmp_path), 1)._refuse_second()
        assert bystander.poll() is None
        assert not pid_file.exists()
        bystander.kill()


def test_the_password_is_kept_and_private(tmp_path: Path) -> None:
    airflow = EmbeddedAirflow(Settings(home=tmp_path), 1)
    airflow.home.mkdir()

    assert airflow.password == EmbeddedAirflow(Settings(home=tmp_path), 1).password
    assert (airflow.home / "passwords.json").stat().st_mode & 0o077 == 0


@pytest.mark.long
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_and_stops_without_orphans(tmp_path: Path, sent: signal.Signals) -> None:
    port = free_port()
    environment = {**os.environ, "NIGHTJAR_HOME": str(tmp_path), "NIGHTJAR_AIRFLOW_PORT": str(port)}
    nightjar = str(Path(sys.executable).parent / "nightjar")
    process = subprocess.Popen([nightjar, "airflow"], env=environment, stdout=subprocess.PIPE, text=True)

    assert process.stdout

    lines = []
    for line in process.stdout:
        lines.append(line)
        if "ctrl-C stops it" in line:
            break

    assert any("night_retail: paused, no landing files" in line for line in lines)

    group = json.loads((tmp_path / "airflow" / "nightjar.pid").read_text())["group"][0]
    os.killpg(group, 0)
    process.send_signal(sent)

    assert process.wait(timeout=60) == 0

    time.sleep(1)

    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)
    assert not (tmp_path / "airflow" / "nightjar.pid").exists()
