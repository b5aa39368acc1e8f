"""How fast a ranker trains on a GPU and on the CPU, and whether the two rank equally well.

    .venv/bin/nightjar simulate --first-day 2026-03-21 --days 170 --users 8000 --items 2000
    .venv/bin/nightjar night --domain retail --run-date 2026-09-07
    NIGHTJAR_XGBOOST=gpu make setup
    .venv/bin/python benchmarks/training_device/run.py --domain retail --copies 1 4 16

Fits what `train_ranker` fits in its worker, to the training examples of the last night: once as they are and several
times over, each copy with queries of its own and its features shaken by a thousandth, so that there is more to learn
from. Both devices take the rows from the same memory, turn about. NDCG@10 is that of the ranker that had not seen the
test window, on the examples of that window.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
from sklearn.metrics import ndcg_score

from spark_jobs.contracts.domain import find_domain
from spark_jobs.contracts.settings import load_settings
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.recommender.features.vocabulary import FEATURE_NAMES
from spark_jobs.recommender.ranking.training_rows import TrainingRows, arrays_of

DEVICES, SHAKEN = ("cpu", "cuda"), 1e-3


def main() -> None:
    """Measure and print, as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--domain", required=True)
    parser.add_argument("--copies", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    settings = load_settings()
    lakehouse = Lakehouse.of(settings, find_domain(settings.conf_dir, given.domain))
    wanted = ["query", "item_id", "label", "label_tested", *FEATURE_NAMES]
    ordered = (
        lakehouse.rows("gold.training_examples", None)
        .select(wanted)
        .sort_by([("query", "ascending"), ("item_id", "ascending")])
    )
    features, queries, labels = arrays_of(ordered.to_batches(), ("label", "label_tested"))
    seen = ~np.isnan(labels["label_tested"].astype(float))
    threads = os.cpu_count() or 1
    known = TrainingRows(features[seen], labels["label"][seen], queries[seen], list(FEATURE_NAMES), threads)
    test = TrainingRows(features[~seen], labels["label"][~seen], queries[~seen], list(FEATURE_NAMES), threads)
    print(f"{hardware()}; {len(FEATURE_NAMES)} features; test of {len(np.unique(test.queries)):,} queries\n")
    print("| rows | CPU, s | GPU, s | CPU / GPU | NDCG@10 CPU | NDCG@10 GPU | GPU's gain, 95 % |")
    print("|---|---|---|---|---|---|---|")
    for copies in given.copies:
        rows = copied(known, copies)
        seconds: dict[str, list[float]] = {device: [] for device in DEVICES}
        quality: dict[str, np.ndarray] = {}
        for _ in range(given.rounds):
            for device in DEVICES:
                started = time.monotonic()
                booster = replace(rows, device=device, _matrices={}).train()
                seconds[device].append(time.monotonic() - started)
                booster.set_param({"device": "cpu"})
                quality[device] = ndcg(test, booster.inplace_predict(test.features))
        cpu, cuda = (median(seconds[device]) for device in DEVICES)
        gain = quality["cuda"] - quality["cpu"]
        error = 1.96 * gain.std() / len(gain) ** 0.5
        means = " | ".join(f"{quality[device].mean():.4f}" for device in DEVICES)
        size = f"{len(rows.labels):,}"
        print(
            f"| {size} | {cpu:.1f} | {cuda:.1f} | {cpu / cuda:.2f} | {means} | {gain.mean():+.4f} ± {error:.4f} |",
            flush=True,
        )


def copied(rows: TrainingRows, copies: int) -> TrainingRows:
    """The rows so many times; all copies but the first are shaken."""
    if copies == 1:
        return rows
    random, first = np.random.default_rng(1), int(rows.queries.max()) + 1
    features = np.concatenate([rows.features, *(shaken(rows.features, random) for _ in range(copies - 1))])
    queries = np.concatenate([rows.queries - rows.queries.min() + copy * first for copy in range(copies)])
    return replace(rows, features=features, labels=np.tile(rows.labels, copies), queries=queries, _matrices={})


def shaken(features: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Every value off by about a thousandth of itself."""
    return features * (1 + SHAKEN * random.standard_normal(features.shape, dtype=np.float32))


def ndcg(rows: TrainingRows, scores: np.ndarray) -> np.ndarray:
    """NDCG@10 by query, in which something was taken."""
    ends = np.flatnonzero(np.diff(rows.queries)) + 1
    lists = zip(np.split(rows.labels, ends), np.split(scores, ends), strict=True)
    return np.array([ndcg_score([labels], [own], k=10) for labels, own in lists if labels.any() and len(labels) > 1])


def hardware() -> str:
    """GPU and CPU by name."""
    query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    gpu = subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")
    return f"GPU {gpu}; CPU {model}, {os.cpu_count()} cores"


if __name__ == "__main__":
    main()
