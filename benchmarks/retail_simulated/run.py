"""The simulated shop: a night's lists against what people then bought, beside peers and what is possible at all.

    .venv/bin/python benchmarks/retail_simulated/run.py [--seed 7] [--days 170]

Repurchases, seasons, launches and withdrawals are planted. The ceiling knows the shop (every taste, every cycle that
has begun, what falls due) and not the dice of the two weeks to come: it ranks by how often an item is bought when those
weeks are played many times from the same state.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from copy import deepcopy
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))
from lists import Lists, Relevant, implicit_lists, make_home, measure, most_frequent, paired, popular, published

from spark_jobs.contracts.settings import PROJECT_ROOT
from spark_jobs.simulator.catalogue import Catalogue, make_catalogue
from spark_jobs.simulator.population import Population, make_population
from spark_jobs.simulator.settings import ShopSettings
from spark_jobs.simulator.shop import simulate
from spark_jobs.simulator.shopping import PURCHASE, RETURN, Diary, shop_one_day

FIRST_DAY, WINDOW, PLAYED = date(2026, 6, 1), 14, 400


def main() -> None:
    """Simulate, run a night, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--days", type=int, default=170)
    given = parser.parse_args()
    settings = ShopSettings(seed=given.seed)
    people, catalogue, diary = make_population(settings), make_catalogue(settings), Diary()
    past = play(settings, people, catalogue, diary, range(given.days))
    at_cut = deepcopy(diary)
    future = play(settings, people, catalogue, diary, range(given.days, given.days + WINDOW))
    hidden = hidden_items(past, given.days)
    relevant: Relevant = {}
    for user, item in future.loc[future.kind == PURCHASE, ["user_id", "item_id"]].itertuples(index=False):
        if item not in hidden.get(user, set()):
            relevant.setdefault(user, set()).add(item)
    known = set(past.user_id)
    relevant = {user: items for user, items in sorted(relevant.items()) if user in known}
    offered = int(catalogue.available(given.days).sum())
    print(f"{len(past):,} events of {given.days} days; {len(relevant):,} users bought in the {WINDOW} days after")
    lists = {
        "nightjar": night(settings, given.days),
        "own most frequent": most_frequent(past[past.kind == PURCHASE].rename(columns={"day": "at"}), hidden),
        "popularity": popular(past[past.kind == PURCHASE].item_id, hidden, relevant),
        "popularity, 30 days": popular(recent(past, given.days).item_id, hidden, relevant),
        **implicit_lists(past[past.kind == PURCHASE], hidden, relevant),
        "ceiling": ceiling(settings, people, catalogue, at_cut, given.days, hidden),
    }
    figures = {name: measure(found, relevant, offered) for name, found in lists.items()}
    for name, found in figures.items():
        print(found.line(name))
    baselines = [name for name in figures if name not in ("nightjar", "ceiling")]
    best = max(baselines, key=lambda name: figures[name].ndcg.mean())
    ours = figures["nightjar"]
    print(
        f"{ours.ndcg.mean() / figures[best].ndcg.mean():.2f} × {best} ({paired(ours, figures[best])}), "
        f"{ours.ndcg.mean() / figures['ceiling'].ndcg.mean():.0%} of the ceiling"
    )


def play(settings: ShopSettings, people: Population, catalogue: Catalogue, diary: Diary, days: range) -> pd.DataFrame:
    """What happens on the days: `user_id`, `item_id`, `kind`, `day`; the diary goes on with it."""
    parts = []
    for day in days:
        events, _ = shop_one_day(settings, people, catalogue, diary, day, FIRST_DAY + timedelta(days=day))
        ids = {"user_id": people.ids[events.users], "item_id": catalogue.ids[events.items]}
        parts.append(pd.DataFrame(ids | {"kind": events.types, "day": day}))
    return pd.concat(parts, ignore_index=True)


def hidden_items(past: pd.DataFrame, days: int) -> Relevant:
    """What the domain's rules hide on the night: bought in the last two weeks, or ever returned."""
    bought_lately = (past.kind == PURCHASE) & (past.day >= days - WINDOW)
    rows = past[bought_lately | (past.kind == RETURN)]
    return rows.groupby("user_id").item_id.agg(set).to_dict()


def recent(past: pd.DataFrame, days: int) -> pd.DataFrame:
    """Purchases of the last 30 days."""
    return past[(past.kind == PURCHASE) & (past.day >= days - 30)]


def ceiling(
    settings: ShopSettings, people: Population, catalogue: Catalogue, diary: Diary, days: int, hidden: Relevant
) -> Lists:
    """By how often an item is bought when the window is played PLAYED times from the same state."""
    counts = np.zeros((len(people.ids), len(catalogue.ids)), dtype=np.int32)
    users, items = ({name: k for k, name in enumerate(ids)} for ids in (people.ids, catalogue.ids))
    for again in range(PLAYED):
        dice = settings.model_copy(update={"seed": 1_000_000 + again})
        played = play(dice, people, catalogue, deepcopy(diary), range(days, days + WINDOW))
        bought = played[played.kind == PURCHASE].drop_duplicates(["user_id", "item_id"])
        np.add.at(counts, (bought.user_id.map(users).to_numpy(), bought.item_id.map(items).to_numpy()), 1)
    for user, gone in hidden.items():
        counts[users[user], [items[item] for item in gone]] = 0
    best = np.argsort(-counts, axis=1, kind="stable")[:, :20]
    return {user: catalogue.ids[best[k]].tolist() for user, k in users.items()}


def night(settings: ShopSettings, days: int) -> Lists:
    """What the night after the days publishes, through the shipped domain file."""
    from spark_jobs.runner.start import whole_night

    with tempfile.TemporaryDirectory(prefix="nightjar-benchmark-") as folder:
        domain = yaml.safe_load((PROJECT_ROOT / "conf" / "retail.yaml").read_text())
        simulate(settings, make_home(Path(folder), domain) / "retail", FIRST_DAY, days)
        whole_night("retail", FIRST_DAY + timedelta(days=days))
        return published(Path(folder), "retail")


if __name__ == "__main__":
    main()
