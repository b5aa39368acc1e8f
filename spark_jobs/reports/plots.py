"""Plots of an evaluation as SVG files: each is logged to MLflow and stands in the report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Text stays text, and equal figures make equal files.
matplotlib.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "nightjar", "font.size": 9}
# A category may be called `50% off $x_$`, which is no formula.
matplotlib.rcParams["text.parse_math"] = False
MODELS = ("ranker", "champion", "diversified")
"""Contenders that are models, as ops.model_metrics names them."""
DARK, MIDDLE, LIGHT, ACCENT = "#1f3b5c", "#5b7ea3", "#b7c8da", "#d9822b"

Row = dict[str, Any]
"""A row of ops.model_metrics."""


def interval_plot(rows: Iterable[Row], metric: str, label: str, path: Path) -> Path:
    """Horizontal bars with 95 % intervals of one metric for every evaluated model, best on top."""
    ordered = sorted((row for row in rows if row["metric"] == metric), key=lambda row: float(row["value"]))
    figure, axes = _figure(0.26 * len(ordered) + 0.8)
    values = [row["value"] for row in ordered]
    colours = [DARK if row["model"] in MODELS else LIGHT for row in ordered]
    axes.barh([row["model"] for row in ordered], values, xerr=_errors(ordered), color=colours, ecolor="#555555")
    axes.set_xlabel(f"{label} (mean over users, 95 % interval)")
    return _saved(figure, path)


def recall_plot(rows: Iterable[Row], path: Path) -> Path:
    """What share of relevant items each source proposes, and what share nobody else does."""
    pool = {row["model"]: row["value"] for row in rows if row["metric"] == "pool_recall"}
    alone = {row["model"]: row["value"] for row in rows if row["metric"] == "marginal_recall"}
    names = sorted(alone, key=lambda name: pool[name])
    figure, axes = _figure(0.26 * len(names) + 0.9)
    axes.barh(names, [pool[name] for name in names], color=LIGHT, label="proposed by it")
    axes.barh(names, [alone[name] for name in names], color=DARK, label="by it alone")
    axes.axvline(pool["ranker"], color=ACCENT, linewidth=1.2, label="by all together")
    axes.set_xlabel("share of relevant items")
    axes.legend(frameon=False, loc="lower right")
    return _saved(figure, path)


def importance_plot(importance: dict[str, float], path: Path, top: int = 25) -> Path:
    """Horizontal bars of the features with the largest share of gain."""
    best = sorted(importance.items(), key=lambda pair: pair[1])[-top:]
    figure, axes = _figure(0.22 * len(best) + 0.8)
    axes.barh([name for name, _ in best], [share for _, share in best], color=DARK)
    axes.set_xlabel("share of total gain")
    return _saved(figure, path)


def calibration_plot(rows: Iterable[Row], path: Path) -> Path:
    """The ranker's hit rate by place, and by tenths of its scores: both should be steps that only go one way."""
    parts = {
        name: sorted((row for row in rows if (row["slice"] or "").startswith(name)), key=lambda row: str(row["slice"]))
        for name in ("place", "score tenth")
    }
    figure, both = plt.subplots(1, 2, figsize=(7.5, 2.6), layout="constrained", sharey=True)
    for axes, (name, part_rows), colour in zip(both, parts.items(), (DARK, MIDDLE), strict=True):
        steps = [row["slice"].split(": ")[1].lstrip("0") for row in part_rows]
        axes.bar(steps, [row["value"] for row in part_rows], color=colour)
        axes.tick_params(axis="x", labelsize=6)
        axes.set_xlabel({"place": "place in the list", "score tenth": "tenth of the ranker's scores"}[name])
        axes.spines[["top", "right"]].set_visible(False)
    both[0].set_ylabel("share of hits")
    return _saved(figure, path)


def slice_plot(rows: Iterable[Row], models: Sequence[str], path: Path) -> Path:
    """NDCG@10 of some models by segment of users, with 95 % intervals."""
    by_slice = {(row["model"], row["slice"]): row for row in rows if row["metric"] == "ndcg_at_10"}
    segments = [f"users: {name}" for name in ("first-time", "new", "light", "heavy")]
    parts = [part for part in segments if (models[0], part) in by_slice]
    figure, axes = _figure(2.6)
    for number, name in enumerate(models):
        mine = [(k, by_slice[name, part]) for k, part in enumerate(parts)]
        axes.bar(
            [k + 0.8 * (number - (len(models) - 1) / 2) / len(models) for k, _ in mine],
            [row["value"] for _, row in mine],
            width=0.75 / len(models),
            yerr=_errors([row for _, row in mine]),
            color=(DARK, LIGHT, MIDDLE)[number % 3],
            ecolor="#555555",
            label=name,
        )
    users = [by_slice[models[0], part]["users"] for part in parts]
    axes.set_xticks(range(len(parts)), [f"{p[7:]}\n{n:,} users" for p, n in zip(parts, users, strict=True)])
    axes.set_ylabel("NDCG@10")
    axes.legend(frameon=False)
    return _saved(figure, path)


def category_plot(rows: Iterable[Row], path: Path) -> Path | None:
    """Recall@20 of relevant items by category, of the ranker and the champion; None where there are no categories."""
    category_rows = [row for row in rows if (row["slice"] or "").startswith("category: ")]
    if not category_rows:
        return None
    ranker = sorted((row for row in category_rows if row["model"] == "ranker"), key=lambda row: float(row["value"]))
    champion = {row["slice"]: row["value"] for row in category_rows if row["model"] == "champion"}
    figure, axes = _figure(0.26 * len(ranker) + 0.8)
    names = [row["slice"].removeprefix("category: ") for row in ranker]
    axes.barh(names, [row["value"] for row in ranker], color=DARK, label="ranker")
    if champion:
        theirs = [champion.get(row["slice"], float("nan")) for row in ranker]
        axes.plot(theirs, names, "|", color=ACCENT, markersize=9, label="champion")
        axes.legend(frameon=False, loc="lower right")
    axes.set_xlabel("Recall@20 of the category's relevant items")
    return _saved(figure, path)


def trade_off_plot(rows: Iterable[Row], path: Path) -> Path:
    """Every evaluated model by how much of the catalogue its first places reach, and by NDCG@10."""
    rows = list(rows)
    reached = {row["model"]: row["value"] for row in rows if row["metric"] == "coverage_at_10"}
    quality = {row["model"]: row["value"] for row in rows if row["metric"] == "ndcg_at_10"}
    figure, axes = _figure(3.4)
    named: list[tuple[float, float]] = []
    for name in sorted(quality.keys() & reached.keys(), key=lambda name: (name not in MODELS, -quality[name])):
        at = reached[name], quality[name]
        axes.plot(*at, "o", color=DARK if name in MODELS else LIGHT)
        # Names that would lie on another one are left out; the table has them.
        if all(abs(at[0] - x) > 0.08 or abs(at[1] - y) > 0.06 * max(quality.values()) for x, y in named):
            named.append(at)
            axes.annotate(name, at, xytext=(4, 3), textcoords="offset points", fontsize=8)
    axes.set_xlabel("coverage@10 (share of the eligible items, of the evaluated users' lists)")
    axes.set_ylabel("NDCG@10")
    return _saved(figure, path)


def size_plot(variants: Sequence[Row], path: Path) -> Path | None:
    """Variants by size when compressed and NDCG@10 with its interval; None where none was tried."""
    tried = [row for row in variants if row["bytes_zstd"]]
    if not tried:
        return None
    figure, axes = _figure(3.6)
    axes.set_xscale("log")
    for row in tried:
        colour = DARK if row["chosen"] else LIGHT
        at = row["bytes_zstd"] / 1024, row["ndcg_at_10"]
        axes.errorbar(*at, yerr=_errors([row | {"value": at[1]}]), fmt="o", color=colour, ecolor=colour)
    # One below the other where sizes are alike, so that no name lies on another.
    low, high = axes.get_ylim()
    below = (high - low) * 0.05
    named: list[tuple[float, float]] = []
    for row in sorted(tried, key=lambda row: -float(row["ndcg_at_10"])):
        x, y = row["bytes_zstd"] / 1024, row["ndcg_at_10"]
        y = min([y, *(other - below for size, other in named if 0.6 < x / size < 1.6)])
        named.append((x, y))
        axes.annotate(row["variant"], (x, y), xytext=(6, -3), textcoords="offset points", fontsize=8)
    axes.set_ylim(low, high)
    for row in variants:
        if row["variant"] == "best_source":
            axes.axhline(row["ndcg_at_10"], color=ACCENT, linewidth=1)
            at = axes.get_xlim()[0], row["ndcg_at_10"]
            axes.annotate(f"best source: {row['note']}", at, xytext=(4, 3), textcoords="offset points", fontsize=8)
    axes.set_xlabel("size in KiB, compressed with zstd")
    axes.set_ylabel("NDCG@10")
    return _saved(figure, path)


def _errors(rows: Sequence[Row]) -> list[list[float]]:
    """Distances from values to the ends of their intervals, as matplotlib wants them."""
    return [
        [max(row["value"] - row["low"], 0.0) for row in rows],
        [max(row["high"] - row["value"], 0.0) for row in rows],
    ]


def _figure(height: float) -> tuple[Figure, Axes]:
    figure, axes = plt.subplots(figsize=(7.5, height), layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _saved(figure: Figure, path: Path) -> Path:
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    return path
