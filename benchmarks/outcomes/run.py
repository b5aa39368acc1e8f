"""Promise against reality: consecutive nights, each measuring what the lists of the nights before came to.

    python benchmarks/outcomes/run.py FOLDER [--ratings FOLDER_WITH_RATINGS_DAT] [--nights 28]

Without `--ratings` the simulated shop is run. FOLDER keeps the home, whose page and tables can be looked at.
"""

from __future__ import annotations

import argparse
import os
from datetime import date, timedelta
from pathlib import Path

import matplotlib
import pandas as pd
import yaml

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from spark_jobs.contracts.settings import PROJECT_ROOT
from spark_jobs.simulator.shop import ShopSettings, simulate

WINDOW = 7
TRAIN = {"every_days": 7, "window_days": WINDOW, "windows": 5, "compare_seconds": 0}


def main() -> None:
    """Run the nights, then print and plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ratings", type=Path)
    parser.add_argument("--nights", type=int, default=28)
    given = parser.parse_args()
    home = given.folder.resolve()
    os.environ |= {"NIGHTJAR_HOME": str(home), "NIGHTJAR_CONF_DIR": str(home / "conf")}
    (home / "conf").mkdir(parents=True, exist_ok=True)
    name, first = movielens(home, given.ratings, given.nights) if given.ratings else retail(home, given.nights)
    from spark_jobs.runner.start import whole_night

    for number in range(given.nights):
        whole_night(name, first + timedelta(days=number), progress=lambda *_: None)
        print(first + timedelta(days=number), flush=True)
    report(name, home)


def retail(home: Path, nights: int) -> tuple[str, date]:
    """The simulated shop, with sixty days before the first night; days to come are there, and must not matter."""
    begin = date(2026, 1, 1)
    simulate(
        ShopSettings(users=600, items=200, visits_per_user_day=0.4), home / "landing" / "retail", begin, 60 + nights
    )
    write_domain(home, "retail", {})
    return "retail", begin + timedelta(days=60)


def movielens(home: Path, source: Path, nights: int) -> tuple[str, date]:
    """Ratings of MovieLens 1M, of which those of the summer of 2000 came day by day."""
    landing = home / "landing" / "movielens-1m"
    landing.mkdir(parents=True, exist_ok=True)
    for name in ("ratings.dat", "movies.dat"):
        (landing / name).write_bytes((source / name).read_bytes())
    write_domain(home, "movielens-1m", {"users": None})
    return "movielens-1m", date(2000, 8, 10)


def write_domain(home: Path, name: str, changes: dict) -> None:
    """The shipped domain with weekly windows."""
    content = yaml.safe_load((PROJECT_ROOT / "conf" / f"{name}.yaml").read_text()) | changes
    content["train"] = content.get("train", {}) | TRAIN
    content = {key: value for key, value in content.items() if value is not None} | {"schedule": None}
    (home / "conf" / f"{name}.yaml").write_text(yaml.safe_dump(content))


def report(name: str, home: Path) -> None:
    """How often the promised and the realised interval meet, and both over nights."""
    from spark_jobs.contracts.domain import find_domain
    from spark_jobs.contracts.settings import load_settings
    from spark_jobs.lakehouse.tables import Lakehouse
    from spark_jobs.views.outcomes import outcomes_over_time

    lakehouse = Lakehouse.of(load_settings(), find_domain(home / "conf", name))
    for days in (1, WINDOW):
        views = [view for view in outcomes_over_time(lakehouse, 400, days) if view.value is not None][::-1]
        frame = pd.DataFrame(
            {
                "served_from": view.served_from, "users": view.users, "realised": view.value,
                "low": view.low, "high": view.high, "promised": view.promised,
                "promised_low": view.promised_low, "promised_high": view.promised_high, "kept": view.kept_promise,
                "popularity": view.popularity and view.value - view.popularity.difference,
                "visible": view.popularity and view.popularity.visible,
                "better": view.popularity and view.popularity.verdict,
            }
            for view in views
        )  # fmt: skip
        if frame.empty:
            continue
        print(f"\nwindows of {days} days: {len(frame)}")
        print(frame.to_string(index=False, float_format=lambda value: f"{value:.4f}"))
        kept = frame[frame.kept.notna()].kept
        print(
            f"intervals meet in {int(kept.sum())} of {len(kept)}; mean realised {frame.realised.mean():.4f}, promised "
            f"{frame.promised.mean():.4f}, popularity {frame.popularity.mean():.4f}; "
            f"better than popularity in {(frame.better == 'better').sum()}"
        )
        figure, axes = plt.subplots(figsize=(8, 3.4), layout="constrained")
        for column, low, high in (("realised", "low", "high"), ("promised", "promised_low", "promised_high")):
            axes.plot(frame.served_from, frame[column].astype(float), label=column)
            axes.fill_between(frame.served_from, frame[low].astype(float), frame[high].astype(float), alpha=0.2)
        axes.plot(frame.served_from, frame.popularity.astype(float), label="popularity, same users", linewidth=1)
        axes.set_ylabel(f"NDCG@10 over {days} days")
        axes.set_ylim(0)
        axes.legend(frameon=False, ncols=3)
        axes.spines[["top", "right"]].set_visible(False)
        figure.autofmt_xdate()
        figure.savefig(home / f"{name}-{days}.svg", metadata={"Date": None})
        figure.savefig(home / f"{name}-{days}.png", dpi=110)


if __name__ == "__main__":
    main()
