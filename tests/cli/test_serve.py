"""Which nights `nightjar airflow` starts."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from spark_jobs.cli.serve import unpause_nights
from spark_jobs.contracts.settings import Settings
from tests.nights import SHOP, land, write_domain


def test_nights_with_landing_files_are_unpaused_wherever_these_lie(home: Path) -> None:
    unpaused: list[str] = []
    api: Any = SimpleNamespace(has_dag=lambda _: True, unpause=unpaused.append)
    settings = Settings(home=home, conf_dir=home / "conf")
    write_domain(home, interactions={**SHOP["interactions"], "path": str(home / "landing" / "**" / "*.csv")})

    assert "night_shop: paused, no landing files match" in unpause_nights(settings, api)[0]

    land(home, "day1.csv")

    assert "night_shop: runs " in unpause_nights(settings, api)[0]
    assert unpaused == ["night_shop", "maintenance_shop"]
