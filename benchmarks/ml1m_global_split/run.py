"""MovieLens 1M as the literature splits it: what a night recommends against what people then rated.

    .venv/bin/python benchmarks/ml1m_global_split/run.py FOLDER_WITH_DAT_FILES [--coverage 0.25] [--seeds 5]

Ratings of 3 and more; the last 20 % by time are the test; users and items that the training part lacks are dropped;
what a user had is never recommended. Films have genres and a year, users an age, a gender and an occupation.
The night is the product's own, through a domain file like any other: it sees the training part alone, and its
published lists are compared with the test here: in the ranker's order, and with exposure balanced. A night draws by
hashes of ids (which candidates it learns from, how ALS begins, who gives way): a seed is another spelling of all ids.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))
from lists import Lists, implicit_lists, make_home, measure, paired, popular, published

NAME, RANKER, DIVERSIFIED = "ml1m-split", "nightjar, the ranker's order", "nightjar, balanced"
DOMAIN = {
    "domain": NAME,
    "description": "The training part of MovieLens 1M.",
    "schedule": None,
    "interactions": {
        "path": "ratings.csv",
        "columns": {
            "user_id": "user_id",
            "item_id": "item_id",
            "event_type": "CASE WHEN try_cast(rating AS INT) >= 4 THEN 'like' ELSE 'watch' END",
            "event_at": "timestamp_seconds(try_cast(at AS BIGINT))",
            "value": "rating",
        },
        "event_key": ["user_id", "item_id"],
    },
    "event_weights": {"like": 1.0, "watch": 0.4},
    "items": {
        "path": "movies.csv",
        "columns": {
            "item_id": "item_id",
            "title": "title",
            "categories": "split(genres, '[|]')",
            "attributes": "map('release_year', regexp_extract(title, '[(]([0-9]{4})[)]', 1))",
        },
    },
    "users": {
        "path": "users.csv",
        "columns": {
            "user_id": "user_id",
            "attributes": "map('age', age, 'gender', gender, 'occupation', occupation)",
        },
    },
    # The test reaches over two years: people come back seldom, so labels reach as far as there are any.
    "train": {"every_days": 7, "window_days": 28, "windows": 7, "label_windows": 100},
}

IDS = ("user_id", "item_id")


def main() -> None:
    """Split, run the night, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with ratings.dat, movies.dat and users.dat")
    parser.add_argument(
        "--coverage", type=float, default=0.25, help="share of the films that balanced lists should reach"
    )
    parser.add_argument("--seeds", type=int, default=1, help="nights, each with ids of its own")
    given = parser.parse_args()
    train, test, *described = split(given.folder)
    print(
        f"train {len(train):,} rows, {train.user_id.nunique():,} users, {train.item_id.nunique():,} items; "
        f"test {len(test):,}, {test.user_id.nunique():,}, {test.item_id.nunique():,}"
    )
    relevant = test.groupby("user_id").item_id.agg(set).to_dict()
    seen, items = train.groupby("user_id").item_id.agg(set).to_dict(), train.item_id.nunique()
    lists = {
        "popularity": popular(train.item_id, seen, relevant),
        **implicit_lists(train, seen, relevant),
    }
    peers = {name: measure(found, relevant, items) for name, found in lists.items()}
    made = [nights([train, *described], given.coverage, seed) for seed in range(given.seeds)]
    seeds = [{name: measure(found, relevant, items) for name, found in night.items()} for night in made]
    for name, peer in peers.items():
        print(f"{peer.line(name)}  the ranker's gain {paired(seeds[0][RANKER], peer)}")
    for name in (RANKER, DIVERSIFIED):
        of_seeds = [figures[name] for figures in seeds]
        for figures in of_seeds:
            print(figures.line(name))
        means = [[one.ndcg.mean(), one.recall.mean(), one.coverage] for one in of_seeds]
        (ndcg, recall, coverage), spread = np.mean(means, axis=0), np.std(means, axis=0)[0]
        print(
            f"{name}, mean of {len(seeds)}: NDCG@10 {ndcg:.4f} (deviation {spread:.4f})  Recall@20 {recall:.4f}"
            f"  coverage@10 {coverage:.3f}"
        )


def split(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Training part, test part, films and users."""
    names = {
        "ratings.dat": ["user_id", "item_id", "rating", "at"],
        "movies.dat": ["item_id", "title", "genres"],
        "users.dat": ["user_id", "gender", "age", "occupation", "zip"],
    }
    ratings, movies, users = (
        pd.read_csv(
            folder / file,
            sep="::",
            engine="python",
            names=columns,
            encoding="latin-1",
            dtype=dict.fromkeys(IDS, str),
        )
        for file, columns in names.items()
    )
    kept = ratings[ratings.rating >= 3].sort_values("at", kind="stable")
    train, test = kept.iloc[: int(len(kept) * 0.8)], kept.iloc[int(len(kept) * 0.8) :]
    known = test.user_id.isin(train.user_id) & test.item_id.isin(train.item_id)
    return train, test[known], movies[movies.item_id.isin(train.item_id)], users[users.user_id.isin(train.user_id)]


def nights(tables: list[pd.DataFrame], coverage: float, seed: int) -> dict[str, Lists]:
    """What one night publishes in the ranker's order, and what its scoring publishes with exposure balanced.

    `tables` are ratings, films and users.
    """
    from spark_jobs.runner.start import stage, whole_night

    last: date = datetime.fromtimestamp(tables[0]["at"].max(), UTC).date()
    run_date, spelling = last + timedelta(days=1), f"{seed}-" if seed else ""

    def own(spelt: str) -> str:
        return spelt.removeprefix(spelling)

    with tempfile.TemporaryDirectory(prefix="nightjar-benchmark-") as folder:
        landing = make_home(Path(folder), domain(None))
        for rows, file in zip(tables, ("ratings.csv", "movies.csv", "users.csv"), strict=True):
            ids = {name: spelling + rows[name] for name in IDS if name in rows}
            rows.assign(**ids).to_csv(landing / file, index=False)
        whole_night(NAME, run_date)
        ranked = published(Path(folder), NAME)
        make_home(Path(folder), domain(coverage))
        stage(NAME, run_date, "publish")
        found = {RANKER: ranked, DIVERSIFIED: published(Path(folder), NAME)}
    return {name: {own(user): [*map(own, items)] for user, items in lists.items()} for name, lists in found.items()}


def domain(coverage: float | None) -> dict[str, Any]:
    """The domain file that asks for this coverage."""
    return DOMAIN | {"recommendations": {"per_user": 20, "coverage": coverage}}


if __name__ == "__main__":
    main()
