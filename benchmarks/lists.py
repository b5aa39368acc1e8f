"""Shared by the benchmarks: lists against what people took afterwards, and a home of its own to run nights in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from scipy import sparse

Lists = dict[str, list[str]]
"""Items by user, best first."""
Relevant = dict[str, set[str]]
"""What each user took afterwards."""


@dataclass(frozen=True)
class Figures:
    """What lists are worth, per user and together."""

    ndcg: np.ndarray
    recall: np.ndarray
    hit: np.ndarray
    coverage: float

    def line(self, name: str) -> str:
        """One line to print: means, with the 95 % interval over users of NDCG@10."""
        half = 1.96 * np.std(self.ndcg) / np.sqrt(len(self.ndcg))
        return (
            f"{name:22} NDCG@10 {np.mean(self.ndcg):.4f} ±{half:.4f}  Recall@20 {np.mean(self.recall):.4f}  "
            f"hit@10 {np.mean(self.hit):.4f}  coverage@10 {self.coverage:.3f}"
        )


def measure(lists: Lists, relevant: Relevant, items: int) -> Figures:
    """NDCG@10, Recall@20 and hit rate per user, and the share of `items` that first ten places reach."""
    discounts = 1 / np.log2(np.arange(2, 12))
    hits = np.zeros((len(relevant), 20), dtype=bool)
    for row, (user, wanted) in enumerate(relevant.items()):
        found = [item in wanted for item in lists.get(user, [])[:20]]
        hits[row, : len(found)] = found
    sizes = np.array([len(wanted) for wanted in relevant.values()])
    ideal = np.cumsum(discounts)[np.minimum(sizes, 10) - 1]
    shown = {item for user in relevant for item in lists.get(user, [])[:10]}
    return Figures(
        hits[:, :10] @ discounts / ideal, hits.sum(axis=1) / sizes, hits[:, :10].any(axis=1), len(shown) / items
    )


def paired(ours: Figures, theirs: Figures) -> str:
    """Mean difference of NDCG@10 over the same users, with its 95 % interval."""
    difference = ours.ndcg - theirs.ndcg
    half = 1.96 * np.std(difference) / np.sqrt(len(difference))
    return f"{np.mean(difference):+.4f} ±{half:.4f}"


def popular(items: pd.Series, hidden: Relevant, users: Relevant) -> Lists:
    """What most events are about, without what is hidden from the user."""
    order = items.value_counts(sort=True).index.tolist()
    return {user: [item for item in order if item not in hidden.get(user, set())][:20] for user in users}


def most_frequent(bought: pd.DataFrame, hidden: Relevant) -> Lists:
    """What each user bought most often, the latest first among equals; from `user_id`, `item_id` and `at`."""
    counted = bought.groupby(["user_id", "item_id"])["at"].agg(["size", "max"]).reset_index()
    ordered = counted.sort_values(["user_id", "size", "max"], ascending=[True, False, False])
    found = ordered.groupby("user_id").item_id.agg(list).to_dict()
    return {user: [item for item in items if item not in hidden.get(user, set())] for user, items in found.items()}


def implicit_lists(events: pd.DataFrame, hidden: Relevant, users: Relevant, seed: int = 1) -> dict[str, Lists]:
    """Lists of the models of the `implicit` library from `user_id` and `item_id` of events; hidden items left out."""
    from implicit.als import AlternatingLeastSquares
    from implicit.bpr import BayesianPersonalizedRanking
    from implicit.nearest_neighbours import CosineRecommender

    rows, user_ids = pd.factorize(events.user_id, sort=True)
    columns, item_ids = pd.factorize(events.item_id, sort=True)
    matrix = sparse.csr_matrix((np.ones(len(events), dtype=np.float32), (rows, columns)))
    known = [user for user in sorted(users) if user in set(user_ids)]
    wanted = np.searchsorted(user_ids, known)
    models: dict[str, Any] = {
        "implicit item kNN": CosineRecommender(K=100, num_threads=2),
        "implicit ALS": AlternatingLeastSquares(
            32, regularization=10.0, alpha=1.0, iterations=15, random_state=seed, num_threads=2
        ),
        "implicit BPR": BayesianPersonalizedRanking(64, iterations=100, random_state=seed, num_threads=2),
    }
    most = max((len(hidden.get(user, ())) for user in known), default=0)
    found = {}
    for name, model in models.items():
        model.fit(matrix, show_progress=False)
        best, _ = model.recommend(
            wanted, matrix[wanted], N=min(20 + most, matrix.shape[1]), filter_already_liked_items=False
        )
        found[name] = {
            user: [item for item in item_ids[row] if item not in hidden.get(user, set())][:20]
            for user, row in zip(known, best, strict=True)
        }
    return found


def make_home(folder: Path, domain: dict[str, Any]) -> Path:
    """A NIGHTJAR_HOME with the domain file, set for this process; returns its landing folder."""
    for name in ("landing", "conf"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "conf" / f"{domain['domain']}.yaml").write_text(yaml.safe_dump(domain))
    os.environ |= {"NIGHTJAR_HOME": str(folder), "NIGHTJAR_CONF_DIR": str(folder / "conf")}
    return folder / "landing"


def published(folder: Path, domain: str) -> Lists:
    """What is served now."""
    from spark_jobs.contracts.storage import Location
    from spark_jobs.lakehouse.tables import Lakehouse

    lakehouse = Lakehouse(Location(str(folder / "lakehouse")), domain)
    rows = lakehouse.query("SELECT user_id, item_id FROM r ORDER BY user_id, rank", r="gold.recommendations")
    lists: Lists = {}
    for user, item in zip(rows["user_id"].to_pylist(), rows["item_id"].to_pylist(), strict=True):
        lists.setdefault(user, []).append(item)
    return lists
