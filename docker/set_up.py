"""The one-shot service `init`: database, administrator, folders and demo data. Each step can be repeated."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

STATE = Path("/opt/airflow/state/passwords.json")


def main() -> None:
    """Run the steps; a failure of all but the demo data stops `docker compose up` with its sentence."""
    home = Path(os.environ["NIGHTJAR_HOME"])
    try:
        for folder in ("landing", "lakehouse", "data_docs"):
            (home / folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        sys.exit(f"User {os.getuid()} can't write {home}: {error.strerror}. It must belong to that user.")
    STATE.write_text(json.dumps({"admin": os.environ["NIGHTJAR_ADMIN_PASSWORD"]}), encoding="utf-8")
    STATE.chmod(0o600)
    subprocess.run(["airflow", "db", "migrate"], check=True)
    # By the Python that has pip, which brings a copy where the data's home does not answer.
    fetched = subprocess.run(["/usr/local/bin/python3", "/app/scripts/fetch_demo_data.py"], check=False)
    if fetched.returncode:
        print("The demo has no data until its files lie in landing/movielens-100k; everything else works.", flush=True)


if __name__ == "__main__":
    main()
