"""MovieLens 1M as the literature splits it: what a night recommends against what people then rated.

    .venv/bin/python benchmarks/ml1m_global_split/run.py FOLDER_WITH_RATINGS_DAT [--coverage 0.2]

Ratings of 3 and more; the last 20 % by time are the test; users and items that the training part lacks are dropped;
what a user had is never recommended. The night is the product's own, through a domain file like any other: it sees the
training part alone, and its published lists are compared with the test here.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))
from lists import Lists, implicit_lists, make_home, measure, paired, popular, published

DOMAIN = {
    "domain": "ml1m-split",
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
    # The test reaches over two years: people come back seldom, so labels reach as far as there are any.
    "train": {"every_days": 7, "window_days": 28, "windows": 7, "label_windows": 100},
}

IDS = {"user_id": str, "item_id": str}


def main() -> None:
    """Split, run the night, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with ratings.dat and movies.dat")
    parser.add_argument("--coverage", type=float, default=None, help="coverage to ask for; none: the ranker's order")
    given = parser.parse_args()
    train, test, movies = split(given.folder)
    print(
        f"train {len(train):,} rows, {train.user_id.nunique():,} users, {train.item_id.nunique():,} items; "
        f"test {len(test):,}, {test.user_id.nunique():,}, {test.item_id.nunique():,}"
    )
    relevant = test.groupby("user_id").item_id.agg(set).to_dict()
    seen, items = train.groupby("user_id").item_id.agg(set).to_dict(), train.item_id.nunique()
    lists = {
        "popularity": popular(train.item_id, seen, relevant),
        **implicit_lists(train, seen, relevant),
        "nightjar": night(train, movies, given.coverage),
    }
    figures = {name: measure(found, relevant, items) for name, found in lists.items()}
    for name, found in figures.items():
        print(f"{found.line(name)}  nightjar's gain {paired(figures['nightjar'], found)}")


def split(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Training part, test part and films."""
    names = {"ratings.dat": ["user_id", "item_id", "rating", "at"], "movies.dat": ["item_id", "title", "genres"]}
    ratings, movies = (
        pd.read_csv(
            folder / file,
            sep="::",
            engine="python",
            names=columns,
            encoding="latin-1",
            dtype={"user_id": str, "item_id": str},
        )
        for file, columns in names.items()
    )
    kept = ratings[ratings.rating >= 3].sort_values("at", kind="stable")
    train, test = kept.iloc[: int(len(kept) * 0.8)], kept.iloc[int(len(kept) * 0.8) :]
    known = test.user_id.isin(train.user_id) & test.item_id.isin(train.item_id)
    return train, test[known], movies[movies.item_id.isin(train.item_id)]


def night(train: pd.DataFrame, movies: pd.DataFrame, coverage: float | None) -> Lists:
    """What one night publishes."""
    from spark_jobs.runner.start import whole_night

    with tempfile.TemporaryDirectory(prefix="nightjar-benchmark-") as folder:
        domain = DOMAIN | {"recommendations": {"per_user": 20, "coverage": coverage}}
        landing = make_home(Path(folder), domain)
        train.to_csv(landing / "ratings.csv", index=False)
        movies.to_csv(landing / "movies.csv", index=False)
        last: date = datetime.fromtimestamp(train["at"].max(), UTC).date()
        whole_night("ml1m-split", last + timedelta(days=1))
        return published(Path(folder), "ml1m-split")


if __name__ == "__main__":
    main()
