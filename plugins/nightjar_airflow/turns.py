"""One night of a domain at a time: its nights write the same tables.

`max_active_runs` holds scheduled and manual runs apart, but Airflow counts backfill runs on their own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from spark_jobs.contracts.settings import load_settings


def take_turn(domain: str, ti: Any, run_id: str) -> bool:
    """For a sensor: whether this DAG run may write the domain's tables now."""

    def running(other: str) -> bool:
        return bool(ti.get_dr_count(dag_id=ti.dag_id, run_ids=[other], states=["running", "queued"]))

    folder = load_settings().lakehouse / domain
    folder.mkdir(parents=True, exist_ok=True)
    return claim(folder / "turn", run_id, running)


def claim(turn: Path, run_id: str, running: Callable[[str], bool]) -> bool:
    """Write `run_id` into the file `turn` unless it names another run that is still running.

    Nothing has to be given back, so a run that was killed can't keep others waiting.
    """
    try:
        with turn.open("x", encoding="utf-8") as file:
            file.write(run_id)
    except FileExistsError:
        holder = turn.read_text(encoding="utf-8")
        if holder != run_id and not running(holder):
            turn.unlink(missing_ok=True)
            return claim(turn, run_id, running)
        return holder == run_id
    return True
