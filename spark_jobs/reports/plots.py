"""Plots of an evaluation, logged beside the metrics."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

DARK, LIGHT = "#1f3b5c", "#9db4cc"


def contender_plot(rows: list[dict[str, float | str]], metric: str, path: Path) -> Path:
    """Horizontal bars with 95 % intervals of one metric for every contender, best on top."""
    of_metric = sorted((row for row in rows if row["metric"] == metric), key=lambda row: float(row["value"]))
    names = [str(row["contender"]) for row in of_metric]
    values = [float(row["value"]) for row in of_metric]
    errors = [
        [v - float(r["low"]) for v, r in zip(values, of_metric, strict=True)],
        [float(r["high"]) - v for v, r in zip(values, of_metric, strict=True)],
    ]
    figure, axes = plt.subplots(figsize=(7, 0.5 * len(names) + 1.4), layout="constrained")
    axes.barh(names, values, xerr=errors, color=[DARK if n == "ranker" else LIGHT for n in names], ecolor="#555555")
    axes.set_xlabel(f"{metric.replace('_at_', '@')} (mean over users, 95 % bootstrap interval)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)
    plt.close(figure)
    return path


def importance_plot(importance: dict[str, float], path: Path, top: int = 20) -> Path:
    """Horizontal bars of the features with the largest share of gain."""
    best = sorted(importance.items(), key=lambda pair: pair[1])[-top:]
    figure, axes = plt.subplots(figsize=(7, 0.3 * len(best) + 1.2), layout="constrained")
    axes.barh([name for name, _ in best], [share for _, share in best], color=DARK)
    axes.set_xlabel("share of total gain")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)
    plt.close(figure)
    return path
