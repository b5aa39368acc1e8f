"""Real shops: what nights recommend against what customers bought in the two weeks after.

    .venv/bin/python benchmarks/real_shops/run.py SHOP FOLDER [--dates 2011-10-25 2011-11-25]

A shop is one of those in shops.py, each a domain file at the defaults; the folder has the files of its data set. Each
night gets a home of its own and only what was sold before it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))
from lists import Lists, Relevant, implicit_lists, make_home, measure, most_frequent, paired, popular, published
from shops import SHOPS, Log

OURS, WINDOW = "nightjar", timedelta(days=14)


def main() -> None:
    """Run a night per date, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shop", choices=SHOPS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dates", type=date.fromisoformat, nargs="+")
    given = parser.parse_args()
    log = SHOPS[given.shop].read(given.folder)
    for night in given.dates or SHOPS[given.shop].dates:
        compare(given.shop, log, night)


def compare(shop: str, log: Log, night: date) -> None:
    """The night's lists and its peers' on what was bought afterwards."""
    sales, start = log.sales, pd.Timestamp(night)
    past = sales[sales["at"] < start]
    future = sales[(sales["at"] >= start) & (sales["at"] < start + WINDOW)]
    known = past[past.user_id != ""]
    bought = known[~known.returned]
    hidden: Relevant = known[known.returned].groupby("user_id").item_id.agg(set).to_dict()
    taken = future[~future.returned & future.user_id.isin(bought.user_id) & future.item_id.isin(past.item_id)]
    wanted = taken.groupby("user_id").item_id.agg(set).to_dict()
    relevant: Relevant = {user: left for user, items in wanted.items() if (left := items - hidden.get(user, set()))}
    best_sold = popular(bought.item_id, hidden, relevant)
    own = most_frequent(bought, hidden)
    lists = {
        OURS: recommended(shop, Log(past, log.files), night),
        "own most frequent": own,
        "own, then popularity": {user: filled(own.get(user, []), best_sold[user]) for user in relevant},
        "popularity": best_sold,
        **{
            f"popularity, {days} days": popular(
                bought[bought["at"] >= start - timedelta(days=days)].item_id, hidden, relevant
            )
            for days in (7, 30)
        },
        **implicit_lists(bought, hidden, relevant),
    }
    figures = {name: measure(found, relevant, bought.item_id.nunique()) for name, found in lists.items()}
    print(f"\n{night}: {len(past):,} rows before; {len(relevant):,} customers bought in the {WINDOW.days} days after")
    for name, found in figures.items():
        print(found.line(name))
    ours, best = figures.pop(OURS), max(figures, key=lambda name: figures[name].ndcg.mean())
    print(f"{ours.ndcg.mean() / figures[best].ndcg.mean():.2f} × {best} ({paired(ours, figures[best])})", flush=True)


def filled(own: list[str], further: list[str]) -> list[str]:
    """The user's own items, then others."""
    return [*own, *(item for item in further if item not in own)]


def recommended(shop: str, log: Log, night: date) -> Lists:
    """What the night publishes."""
    from spark_jobs.runner.start import whole_night

    with tempfile.TemporaryDirectory(prefix="nightjar-benchmark-") as folder:
        landing = make_home(Path(folder), SHOPS[shop].domain)
        own = ["at", "user_id", "item_id", "returned"]
        for name, rows in {**log.files, "sales.parquet": log.sales.drop(columns=own)}.items():
            # Spark reads no nanoseconds.
            rows.to_parquet(landing / name, index=False, coerce_timestamps="us")
        whole_night(shop, night)
        return published(Path(folder), shop)


if __name__ == "__main__":
    main()
