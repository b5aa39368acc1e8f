"""Check what `docker compose up` needs, and write .env with generated secrets. Standard library only.

An .env that is there is never overwritten: only settings that it lacks are added. Nothing is started.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENGINE, COMPOSE = (25, 0), (2, 24)
"""`start_interval` of health checks came with that engine."""
NEEDED_MEMORY_GB, NEEDED_DISK_GB = 8.0, 8.0
PORTS = {"NIGHTJAR_AIRFLOW_PORT": 8080, "NIGHTJAR_MLFLOW_PORT": 5000, "NIGHTJAR_SPARK_PORT": 8081}


def main() -> None:
    """Check, then write; every sentence of what is wrong at once, and exit code 1."""
    env = Path(os.environ.get("NIGHTJAR_ENV_FILE", ROOT / ".env"))
    have = read(env)
    problems = [*engine_problems(), *port_problems(have)]
    if problems:
        sys.exit("\n".join(problems))
    added = {name: value for name, value in wanted().items() if name not in have}
    if empty := [name for name, value in have.items() if name in wanted() and not value]:
        sys.exit(f"{env}: {' and '.join(empty)} is empty; remove the line to get a new value.")
    if added:
        ended = not env.is_file() or env.read_text(encoding="utf-8").endswith("\n") or not env.stat().st_size
        private = os.open(env, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(private, "w", encoding="utf-8") as file:
            file.write("" if ended else "\n")
            file.write("".join(f"{name}={value}\n" for name, value in added.items()))
    data = ROOT / (have | added)["NIGHTJAR_DATA"]
    uid = int((have | added)["NIGHTJAR_UID"])
    data.mkdir(parents=True, exist_ok=True)
    if os.getuid() == 0:
        os.chown(data, uid, 0)
    if data.stat().st_uid != uid:
        sys.exit(f"{data} belongs to user {data.stat().st_uid}, the containers run as {uid}: sudo chown {uid} {data}")
    print(f"{env}: {f'{len(added)} settings added' if added else 'complete'}. Next: docker compose up --build --wait")


def wanted() -> dict[str, str]:
    """Every setting that `docker-compose.yaml` demands, with a new secret where it is one."""
    return {
        "NIGHTJAR_UID": str(os.getuid() or 50000),  # never root
        "NIGHTJAR_DATA": "./.compose",
        "NIGHTJAR_ADMIN_PASSWORD": secrets.token_urlsafe(12),
        "POSTGRES_PASSWORD": secrets.token_hex(16),
        "AIRFLOW_DB_PASSWORD": secrets.token_hex(16),
        "MLFLOW_DB_PASSWORD": secrets.token_hex(16),
        "AIRFLOW_SECRET_KEY": secrets.token_hex(32),
        "AIRFLOW_JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW_FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }


def read(env: Path) -> dict[str, str]:
    """Settings of an .env file; empty without one."""
    lines = env.read_text(encoding="utf-8").splitlines() if env.is_file() else []
    pairs = [line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith("#")]
    return {name.strip(): value.strip() for name, value in pairs}


def engine_problems() -> list[str]:
    """What is wrong with the container engine and the room it has, in sentences."""
    if shutil.which("docker") is None:
        return ["There is no docker command; install Docker Engine with the Compose plugin, or Docker Desktop."]
    found = answer("docker", "info", "--format", "{{json .}}")
    info = json.loads(found) if found and found.startswith("{") else {}
    if not info.get("ServerVersion"):
        return ["The container engine does not answer (docker info); start it, and see that you may use it."]
    problems = []
    if version(info["ServerVersion"]) < ENGINE:
        problems.append(f"The container engine is {info['ServerVersion']}, Nightjar needs {dotted(ENGINE)} or newer.")
    compose = answer("docker", "compose", "version", "--short") or ""
    if version(compose) < COMPOSE:
        problems.append(f"Compose is {compose or 'not there'}, Nightjar needs {dotted(COMPOSE)} or newer.")
    memory = info.get("MemTotal", 0) / 1e9
    if memory < NEEDED_MEMORY_GB:
        problems.append(f"The engine has {memory:.1f} GB of memory, Nightjar needs {NEEDED_MEMORY_GB:.0f} GB.")
    root = Path(info.get("DockerRootDir", "/"))
    free = shutil.disk_usage(root if root.exists() else ROOT).free / 1e9
    if free < NEEDED_DISK_GB:
        problems.append(f"{root} has {free:.1f} GB free, images and data need about {NEEDED_DISK_GB:.0f} GB.")
    if info.get("Architecture") not in ("x86_64", "aarch64"):
        problems.append(f"The engine runs on {info.get('Architecture')}; packages exist for x86_64 and aarch64.")
    elif info["Architecture"] == "aarch64" and os.environ.get("NIGHTJAR_XGBOOST") == "gpu":
        problems.append("XGBoost with CUDA is not available for Apple silicon; leave NIGHTJAR_XGBOOST out.")
    return problems


def port_problems(have: dict[str, str]) -> list[str]:
    """Ports that something else than this project listens on."""
    if answer("docker", "compose", "--project-directory", str(ROOT), "ps", "--quiet"):
        return []  # it may be ours
    problems = []
    for name, default in PORTS.items():
        port = int(have.get(name, os.environ.get(name, default)))
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                problems.append(f"Port {port} on 127.0.0.1 can't be used ({error.strerror}); write {name}=… into .env.")
    return problems


def answer(*command: str) -> str | None:
    """What a command prints; None where it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def version(text: str) -> tuple[int, ...]:
    """Major and minor of a version; (0, 0) where there is none."""
    parts = text.removeprefix("v").split(".")[:2]
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) and parts != [""] else (0, 0)


def dotted(numbers: tuple[int, ...]) -> str:
    """A version as people write it."""
    return ".".join(str(number) for number in numbers)


if __name__ == "__main__":
    main()
