"""Consecutive nights of MovieLens 1M: every night's lists against what people rated on the day that followed.

    .venv/bin/python benchmarks/replayed_nights/run.py FOLDER_WITH_RATINGS_DAT [--first 2000-08-10] [--nights 21]

Each night lands the day's ratings, describes and scores everybody, and trains once a week, as in production; baselines
are made anew every night from the same rows. Ratings of 3 and more count; what a user had is never recommended.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import yaml

matplotlib.use("Agg")
from matplotlib import pyplot as plt

sys.path.insert(0, str(Path(__file__).parents[1]))
from lists import Figures, Relevant, implicit_lists, make_home, measure, popular, published

from spark_jobs.contracts.settings import PROJECT_ROOT

COLUMNS = {"ratings.dat": ["user_id", "item_id", "rating", "at"], "movies.dat": ["item_id", "title", "genres"]}


def main() -> None:
    """Run the nights and print a line for each, and the means over all users of all nights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", type=date.fromisoformat, default=date(2000, 8, 10))
    parser.add_argument("--nights", type=int, default=21)
    parser.add_argument("--plot", type=Path, default=Path(__file__).parent / "nights.svg")
    given = parser.parse_args()
    ratings = pd.read_csv(
        given.folder / "ratings.dat", sep="::", engine="python", names=COLUMNS["ratings.dat"],
        dtype={"user_id": str, "item_id": str},
    )  # fmt: skip
    ratings["day"] = pd.to_datetime(ratings["at"], unit="s").dt.date
    nights = [given.first + timedelta(days=k) for k in range(given.nights)]
    with tempfile.TemporaryDirectory(prefix="nightjar-benchmark-") as folder:
        found = replay(Path(folder), given.folder, ratings, nights)
    for name in found[0]:
        together = [one[name] for one in found]
        ndcg, hit = (np.concatenate([getattr(one, what) for one in together]) for what in ("ndcg", "hit"))
        half = 1.96 * np.std(ndcg) / np.sqrt(len(ndcg))
        print(f"{name:18} all nights: NDCG@10 {ndcg.mean():.4f} ±{half:.4f}  hit@10 {hit.mean():.4f}  n {len(ndcg):,}")
    plot(nights, found, given.plot)


def replay(folder: Path, source: Path, ratings: pd.DataFrame, nights: list[date]) -> list[dict[str, Figures]]:
    """Figures of every model, by night."""
    from spark_jobs.runner.start import whole_night

    domain = yaml.safe_load((PROJECT_ROOT / "conf" / "movielens-1m.yaml").read_text())
    del domain["users"]
    domain["interactions"]["path"] = "movielens-1m/ratings-*.dat"
    landing = make_home(folder, domain) / "movielens-1m"
    landing.mkdir()
    (landing / "movies.dat").write_bytes((source / "movies.dat").read_bytes())
    figures, landed = [], date.min
    for run_date in nights:
        land(ratings[(ratings.day >= landed) & (ratings.day < run_date)], landing / f"ratings-{run_date}.dat")
        landed, begun = run_date, time.monotonic()
        whole_night("movielens-1m", run_date, progress=lambda _: None)
        seconds = time.monotonic() - begun
        figures.append(compare(ratings, run_date, published(folder, "movielens-1m")))
        told = "  ".join(f"{name} {one.ndcg.mean():.3f}" for name, one in figures[-1].items())
        print(
            f"{run_date}  {len(figures[-1]['nightjar'].ndcg):4} users  NDCG@10  {told}  ({seconds:.0f} s)", flush=True
        )
    return figures


def land(rows: pd.DataFrame, path: Path) -> None:
    """A landing file as GroupLens writes them."""
    columns = rows[COLUMNS["ratings.dat"]].astype(str).itertuples(index=False)
    path.write_text("".join("::".join(row) + "\n" for row in columns))


def compare(ratings: pd.DataFrame, run_date: date, lists: dict[str, list[str]]) -> dict[str, Figures]:
    """Nightjar and the baselines on users who came back on the day."""
    past, today = ratings[ratings.day < run_date], ratings[(ratings.day == run_date) & (ratings.rating >= 3)]
    hidden: Relevant = past.groupby("user_id").item_id.agg(set).to_dict()
    items = set(past.item_id)
    relevant = {
        user: new
        for user, taken in today.groupby("user_id").item_id.agg(set).items()
        if user in hidden and (new := (taken & items) - hidden[user])
    }
    liked = past[past.rating >= 3]
    lately = liked[liked.day >= run_date - timedelta(days=7)]
    found = {
        "nightjar": lists,
        "popularity": popular(liked.item_id, hidden, relevant),
        "popularity, week": popular(lately.item_id, hidden, relevant),
        **implicit_lists(liked, hidden, relevant),
    }
    return {name: measure(one, relevant, len(items)) for name, one in found.items()}


def plot(nights: list[date], figures: list[dict[str, Figures]], path: Path) -> None:
    """NDCG@10 per night and model, as means of the last seven nights."""
    figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
    for name in figures[0]:
        sums = np.cumsum([[one[name].ndcg.sum(), len(one[name].ndcg)] for one in figures], axis=0)
        week = sums - np.concatenate([np.zeros((min(7, len(sums)), 2)), sums[:-7]])[: len(sums)]
        axes.plot(nights, week[:, 0] / week[:, 1], label=name, linewidth=2.2 if name == "nightjar" else 1)
    axes.set_ylabel("NDCG@10, last seven nights")
    axes.legend(frameon=False, ncols=3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.autofmt_xdate()
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    print(datetime.now(UTC).date())
    main()
