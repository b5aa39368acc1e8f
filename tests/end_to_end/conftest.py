"""One night of a small simulated shop, run once and looked at by many tests."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark_jobs.contracts.domain import find_domain
from spark_jobs.contracts.settings import PROJECT_ROOT, Settings
from spark_jobs.lakehouse.night import Night
from spark_jobs.runner.run import run_night
from spark_jobs.simulator.settings import Dirt
from spark_jobs.simulator.shop import ShopSettings, simulate

FIRST_DAY, RUN_DATE = date(2026, 1, 1), date(2026, 2, 20)
WINDOWS = "train: {every_days: 7, window_days: 7, windows: 4, target_events: [purchase]}"

DIRT: dict[Dirt, float] = dict.fromkeys(("no_user", "unknown_type", "no_time", "half_a_line"), 0.0025)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> Night:
    """A shop whose night of RUN_DATE has run; days after it have landed too, and must not matter."""
    home = tmp_path_factory.mktemp("shop")
    settings = ShopSettings(users=250, items=120, visits_per_user_day=0.5, late_share=0.02, dirt=DIRT)
    simulate(settings, home / "landing" / "retail", FIRST_DAY, 54)
    conf = home / "conf"
    conf.mkdir()
    text = (PROJECT_ROOT / "conf" / "retail.yaml").read_text()
    (conf / "retail.yaml").write_text(text[: text.index("train:")] + WINDOWS)
    settings = Settings(home=home, conf_dir=conf, code_version="tested")
    night = Night(settings, find_domain(conf, "retail"), RUN_DATE, spark=spark)
    run_night(night)
    for name in ("lakehouse", "mlflow"):
        shutil.copytree(home / name, home / "first_night" / name)
    return night


@pytest.fixture
def copied(shop: Night, tmp_path: Path) -> Night:
    """The shop as its first night left it, whatever tests did to it since, in a home of its own."""
    shutil.copytree(shop.settings.home / "first_night", tmp_path, dirs_exist_ok=True)
    return Night(shop.settings.model_copy(update={"home": tmp_path}), shop.domain, RUN_DATE, spark=shop.spark)


@pytest.fixture
def same_shop(shop: Night, tmp_path: Path) -> Night:
    """A copy of the shop's landing files and domain with nothing run yet."""
    shutil.copytree(shop.settings.home / "landing", tmp_path / "landing")
    return Night(shop.settings.model_copy(update={"home": tmp_path}), shop.domain, RUN_DATE, spark=shop.spark)
