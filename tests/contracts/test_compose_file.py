"""The compose file and what writes its .env, without an engine."""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from spark_jobs.contracts.settings import PROJECT_ROOT

TEXT = (PROJECT_ROOT / "docker-compose.yaml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
ONE_SHOT = {"init"}
UNITS = {"m": 2**20, "g": 2**30}
GOOD_ENGINE = {
    "ServerVersion": "28.0.1",
    "MemTotal": 16e9,
    "DockerRootDir": "/",
    "Architecture": "x86_64",
}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_fit_to_run_for_days(name: str) -> None:
    service = SERVICES[name]

    assert service["user"].split(":")[0] not in ("", "0", "root")
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert service["logging"]["options"]["max-size"]
    assert ":" in service["image"]
    assert not service["image"].endswith(":latest")

    if name in ONE_SHOT:
        assert service["restart"] == "no"
        return

    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"])


def test_limits_fit_a_laptop_of_16_gib() -> None:
    running = [service for service in SERVICES.values() if "profiles" not in service]
    limits = [int(service["mem_limit"][:-1]) * UNITS[service["mem_limit"][-1]] for service in running]

    assert 12 < sum(limits) / 2**30 < 15


def test_no_secret_is_written_into_the_file_and_services_get_only_their_own() -> None:
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            secret = re.search(r"PASSWORD|SECRET|_KEY|CONN$|STORE_URI", key) and not key.endswith("PASSWORDS_FILE")
            assert not secret or re.search(r"\$\{[A-Z_]+:\?", str(value)), (name, key)
        assert "env_file" not in service
    knows = {name: str(service.get("environment")) for name, service in SERVICES.items()}

    assert not any("_PASSWORD" in knows[name] for name in ("spark-master", "spark-worker"))
    assert {name for name, text in knows.items() if "MLFLOW_DB_PASSWORD" in text} == {"mlflow", "postgres"}


def test_code_is_mounted_read_only_and_dependencies_wait_for_health() -> None:
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            if volume.startswith("./") and not volume.startswith("./.compose"):
                assert volume.endswith(":ro"), (name, volume)
        for other, wait in service.get("depends_on", {}).items():
            assert wait["condition"] == ("service_completed_successfully" if other in ONE_SHOT else "service_healthy")


def test_the_image_holds_what_the_lock_says_and_runs_as_nobody_special() -> None:
    text = (PROJECT_ROOT / "docker" / "Dockerfile").read_text()

    assert "uv sync ${NIGHTJAR_UV_SYNC} --no-dev --no-install-project" in text
    assert "ARG NIGHTJAR_UV_SYNC=--locked" in text
    assert re.findall(r"^USER (\w+)", text, re.M) == ["nightjar"]


def compose_env(tmp_path: Path, info: Any = GOOD_ENGINE, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script with a docker that reports `info`; with none at all where it is None."""
    tools = tmp_path / "bin"
    tools.mkdir(exist_ok=True)
    docker = tools / "docker"
    docker.unlink(missing_ok=True)
    if info is not None:
        answer = json.dumps(info) if info else ""
        docker.write_text(
            f"#!/bin/sh\ncase \"$1 $2\" in\n'info --format') echo '{answer}' ;;\n"
            "'compose version') echo 2.40.3 ;;\nesac\n"
        )
        docker.chmod(0o755)
    variables = {
        "PATH": f"{tools}:/bin" if info is not None else str(tools),
        "NIGHTJAR_ENV_FILE": str(tmp_path / ".env"),
        "NIGHTJAR_AIRFLOW_PORT": "0",
        "NIGHTJAR_MLFLOW_PORT": "0",
        "NIGHTJAR_SPARK_PORT": "0",
        **environment,
    }
    command = [sys.executable, str(PROJECT_ROOT / "scripts" / "compose_env.py")]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


@pytest.fixture
def data(tmp_path: Path) -> str:
    """An .env whose data folder lies in the test's own folder."""
    line = f"NIGHTJAR_DATA={tmp_path / 'data'}\n"
    (tmp_path / ".env").write_text(line)
    return line


def test_secrets_are_generated_once_private_and_never_overwritten(tmp_path: Path, data: str) -> None:
    assert compose_env(tmp_path).returncode == 0

    written = (tmp_path / ".env").read_text()
    names = [line.split("=")[0] for line in written.splitlines()]
    demanded = set(re.findall(r"\$\{([A-Z_]+):\?", TEXT))

    assert demanded <= set(names)
    assert len(names) == len(set(names))

    values = [line.split("=", 1)[1] for line in written.splitlines() if "NIGHTJAR_" not in line]

    assert len(set(values)) == len(values)

    again = compose_env(tmp_path)

    assert "complete" in again.stdout
    assert (tmp_path / ".env").read_text() == written

    (tmp_path / ".env").write_text(re.sub("AIRFLOW_JWT_SECRET=.*\n", "", written))

    assert "1 settings added" in compose_env(tmp_path).stdout
    assert (tmp_path / "data").is_dir()


def test_a_new_env_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    compose_env(tmp_path, NIGHTJAR_DATA_ROOT=str(tmp_path))
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_an_emptied_secret_is_named(tmp_path: Path, data: str) -> None:
    (tmp_path / ".env").write_text(f"{data}POSTGRES_PASSWORD=\n")
    done = compose_env(tmp_path)

    assert done.returncode == 1
    assert "POSTGRES_PASSWORD is empty" in done.stderr


@pytest.mark.parametrize(
    ("info", "words"),
    [
        (None, "There is no docker command"),
        ({}, "does not answer"),
        (GOOD_ENGINE | {"ServerVersion": "20.10.24"}, "The container engine is 20.10.24, Nightjar needs 25.0"),
        (GOOD_ENGINE | {"MemTotal": 4e9}, "The engine has 4.0 GB of memory, Nightjar needs 8 GB"),
        (GOOD_ENGINE | {"Architecture": "riscv64"}, "packages exist for x86_64 and aarch64"),
    ],
)
def test_what_would_fail_later_is_one_sentence_now(tmp_path: Path, data: str, info: Any, words: str) -> None:
    done = compose_env(tmp_path, info)

    assert done.returncode == 1
    assert words in done.stderr
    assert (tmp_path / ".env").read_text() == data


def test_a_taken_port_and_a_gpu_on_arm_are_told_together(tmp_path: Path, data: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        arm = GOOD_ENGINE | {"Architecture": "aarch64"}
        done = compose_env(tmp_path, arm, NIGHTJAR_MLFLOW_PORT=port, NIGHTJAR_XGBOOST="gpu")

    assert done.returncode == 1
    assert f"Port {port} on 127.0.0.1" in done.stderr
    assert "NIGHTJAR_MLFLOW_PORT" in done.stderr
    assert "not available for Apple silicon" in done.stderr


def test_a_data_folder_of_somebody_else_is_told(tmp_path: Path, data: str) -> None:
    (tmp_path / ".env").write_text(f"{data}NIGHTJAR_UID=4711\n")
    done = compose_env(tmp_path)
    if os.getuid() == 0:
        assert (tmp_path / "data").stat().st_uid == 4711
    else:
        assert "sudo chown 4711" in done.stderr
