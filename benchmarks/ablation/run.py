"""What each candidate source and each group of features brings: the ranker without it, on the same users.

    .venv/bin/python benchmarks/ablation/run.py --domain retail --run-date 2026-11-18

Needs a home (NIGHTJAR_HOME) in which the night of that date has trained. Works on a copy: nothing of the home changes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
from pyspark.sql import functions as F

from spark_jobs.contracts.domain import find_domain
from spark_jobs.contracts.settings import load_settings
from spark_jobs.lakehouse.night import Night
from spark_jobs.lakehouse.spark_session import spark_session
from spark_jobs.recommender.features.vocabulary import FEATURE_NAMES, SOURCE_OF
from spark_jobs.recommender.sources import SOURCES, sources_on
from spark_jobs.train import build_training_examples, evaluate_ranker, train_ranker

GROUPS = {
    "scores and ranks of sources": [*SOURCE_OF],
    "the user's own events": [name for name in FEATURE_NAMES if name.startswith("own_") and "history" not in name],
    "the user": [name for name in FEATURE_NAMES if name.startswith("user_")],
    "the item": [name for name in FEATURE_NAMES if name.startswith("item_")],
    "catalogue numbers and content": [
        name for name in FEATURE_NAMES if name.startswith(("attribute_", "title_", "content_", "category_affinity"))
    ],
}


def main() -> None:
    """Train and evaluate in full, then without each source and each group."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--domain", required=True)
    parser.add_argument("--run-date", type=date.fromisoformat, required=True)
    parser.add_argument("--sources", nargs="+", choices=[*SOURCES], help="these sources alone, and no groups")
    given = parser.parse_args()
    settings = load_settings()
    domain = find_domain(settings.conf_dir, given.domain)
    with tempfile.TemporaryDirectory(prefix="nightjar-benchmark-") as folder:
        shutil.copytree(settings.lakehouse / given.domain, Path(folder) / "lakehouse" / given.domain)
        os.environ["NIGHTJAR_HOME"] = folder
        settings = load_settings()
        train = domain.train.model_copy(update={"compare_seconds": 0})
        domain = domain.model_copy(update={"train": train})
        night = Night(settings, domain, given.run_date, spark=spark_session(settings, "ablation"))
        whole = ndcg(night)
        print(f"{'everything':34} NDCG@10 {whole.mean():.4f}, {len(whole):,} users", flush=True)
        for name in given.sources or sorted(sources_on(domain.sources)):
            without = domain.model_copy(update={"sources": {**domain.sources, name: 0}})
            show(f"without source {name}", ndcg(replace(night, domain=without)), whole)
        for name, features in ({} if given.sources else GROUPS).items():
            show(f"without {name}", ndcg(night, features), whole)


def show(name: str, values: np.ndarray, whole: np.ndarray) -> None:
    """The paired difference to everything."""
    difference = values - whole
    half = 1.96 * difference.std() / np.sqrt(len(difference))
    print(f"{name:52} {difference.mean():+.4f} ±{half:.4f}", flush=True)


def ndcg(night: Night, features: list[str] | None = None) -> np.ndarray:
    """NDCG@10 of the ranker by user, in the order of their ids; trained without the features."""
    build_training_examples.run(night.for_job())
    if features:
        frame = night.read("gold.training_examples").localCheckpoint()
        constant = {name: F.lit(0.0).cast("float") for name in features}
        night.replace("gold.training_examples", frame.withColumns(constant))
    # A model fitted to constant columns never splits on them, so that nothing has to be hidden from it afterwards.
    train_ranker.run(night.for_job())
    evaluate_ranker.run(night.for_job())
    rows = (
        night.read("gold.evaluation_users")
        .where("model = 'ranker' AND segment <> 'first-time'")
        .select("user_id", "ndcg_at_10")
        .collect()
    )
    return np.array([row.ndcg_at_10 for row in sorted(rows)])


if __name__ == "__main__":
    main()
