"""MovieLens 1M as the literature splits it: what a night recommends against what people then rated.

    .venv/bin/python benchmarks/ml1m_global_split/run.py FOLDER_WITH_RATINGS_DAT [--coverage 0.2]

Ratings of 3 and more; the last 20 % by time are the test; users and items that the training part lacks are dropped;
what a user had is never recommended. The night is the product's own, through a domain file like any other: it sees the
training part alone, and its published lists are compared with the test here.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from scipy import sparse

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
    show("popularity", popular(train, relevant), relevant, train.item_id.nunique())
    for name, lists in peers(train, relevant).items():
        show(name, lists, relevant, train.item_id.nunique())
    show("nightjar", night(train, movies, relevant, given.coverage), relevant, train.item_id.nunique())


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


def popular(train: pd.DataFrame, users: dict[str, set[str]]) -> dict[str, list[str]]:
    """What most people took and the user did not."""
    order, seen = train.item_id.value_counts().index.tolist(), train.groupby("user_id").item_id.agg(set).to_dict()
    return {user: [item for item in order if item not in seen[user]][:20] for user in users}


def peers(train: pd.DataFrame, users: dict[str, set[str]]) -> dict[str, dict[str, list[str]]]:
    """Lists of the models of the `implicit` library on the same rows."""
    from implicit.als import AlternatingLeastSquares
    from implicit.bpr import BayesianPersonalizedRanking
    from implicit.nearest_neighbours import CosineRecommender

    rows, user_ids = pd.factorize(train.user_id, sort=True)
    columns, item_ids = pd.factorize(train.item_id, sort=True)
    matrix = sparse.csr_matrix((np.ones(len(train), dtype=np.float32), (rows, columns)))
    wanted = np.searchsorted(user_ids, sorted(users))
    models = {
        "implicit item kNN": CosineRecommender(K=100, num_threads=2),
        "implicit ALS": AlternatingLeastSquares(
            32, regularization=10.0, alpha=1.0, iterations=15, random_state=1, num_threads=2
        ),
        "implicit BPR": BayesianPersonalizedRanking(64, iterations=100, random_state=1, num_threads=2),
    }
    found = {}
    for name, model in models.items():
        model.fit(matrix, show_progress=False)
        best, _ = model.recommend(wanted, matrix[wanted], N=20)
        found[name] = {user: item_ids[row].tolist() for user, row in zip(sorted(users), best, strict=True)}
    return found


def night(
    train: pd.DataFrame, movies: pd.DataFrame, users: dict[str, set[str]], coverage: float | None
) -> dict[str, list[str]]:
    """What one night publishes for the users."""
    from spark_jobs.lakehouse.tables import Lakehouse
    from spark_jobs.runner.start import whole_night

    with tempfile.TemporaryDirectory(prefix="nightjar-benchmark-") as folder:
        home = Path(folder)
        (home / "landing").mkdir()
        (home / "conf").mkdir()
        train.to_csv(home / "landing" / "ratings.csv", index=False)
        movies.to_csv(home / "landing" / "movies.csv", index=False)
        domain = DOMAIN | {"recommendations": {"per_user": 20, "coverage": coverage}}
        (home / "conf" / "ml1m-split.yaml").write_text(yaml.safe_dump(domain))
        os.environ |= {"NIGHTJAR_HOME": folder, "NIGHTJAR_CONF_DIR": f"{folder}/conf"}
        last: date = datetime.fromtimestamp(train["at"].max(), UTC).date()
        whole_night("ml1m-split", last + timedelta(days=1))
        lakehouse = Lakehouse(f"{folder}/lakehouse", "ml1m-split")
        rows = lakehouse.query("SELECT user_id, item_id FROM r ORDER BY user_id, rank", r="gold.recommendations")
        lists: dict[str, list[str]] = {user: [] for user in users}
        for user, item in zip(rows["user_id"].to_pylist(), rows["item_id"].to_pylist(), strict=True):
            if user in lists:
                lists[user].append(item)
        return lists


def show(name: str, lists: dict[str, list[str]], relevant: dict[str, set[str]], items: int) -> None:
    """NDCG@10 with its 95 % interval over users, Recall@20 and coverage@10."""
    discounts = 1 / np.log2(np.arange(2, 12))
    ndcg, recall = [], []
    for user, wanted in relevant.items():
        hits = np.array([item in wanted for item in lists[user][:20]] + [False] * 20)[:20]
        ndcg.append((hits[:10] * discounts).sum() / discounts[: min(len(wanted), 10)].sum())
        recall.append(hits.sum() / len(wanted))
    half = 1.96 * np.std(ndcg) / np.sqrt(len(ndcg))
    shown = {item for items_of in lists.values() for item in items_of[:10]}
    print(
        f"{name:20} NDCG@10 {np.mean(ndcg):.4f} ±{half:.4f}  Recall@20 {np.mean(recall):.4f}  "
        f"coverage@10 {len(shown) / items:.3f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
