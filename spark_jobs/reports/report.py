"""The report of a training: one HTML page that needs nothing else, with its plots beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from spark_jobs.reports import plots

SHOWN = {
    "recall_at_20": "Recall@20",
    "average_precision": "MAP@20",
    "reciprocal_rank": "MRR@20",
    "hit_rate_at_10": "hit rate@10",
    "coverage_at_10": "coverage@10",
    "gini_at_10": "Gini@10",
    "novelty_at_10": "novelty@10",
    "diversity_at_10": "diversity@10",
    "popularity_at_10": "popularity@10",
}
"""Columns of the table of evaluated models beside NDCG@10, by metric."""


@dataclass(frozen=True)
class Evaluation:
    """All that the report says: the rows of ops.model_metrics of one version, and where they come from."""

    domain: str
    version: str
    run_date: date
    cutoff: date
    """The newest cutoff: the test window starts with it."""
    until: date
    rows: list[dict[str, Any]]
    importance: dict[str, float]
    variants: list[dict[str, Any]]
    """Rows of ops.model_variants, the full model first."""
    descriptions: dict[str, str]
    """What each metric says, by metric."""

    @cached_property
    def all_users(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Rows about all users by (model, metric)."""
        return {(row["model"], row["metric"]): row for row in self.rows if row["slice"] is None}

    @cached_property
    def evaluated(self) -> list[str]:
        """All evaluated models, the best by NDCG@10 first."""
        names = [name for name, metric in self.all_users if metric == "ndcg_at_10"]
        return sorted(names, key=lambda name: -self.all_users[name, "ndcg_at_10"]["value"])

    @property
    def baseline(self) -> str:
        """The best baseline."""
        return next(name for name in self.evaluated if name not in plots.MODELS)

    @property
    def models(self) -> list[str]:
        """The models that were measured."""
        return [name for name in plots.MODELS if (name, "ndcg_at_10") in self.all_users]

    def value(self, model: str, metric: str) -> float | None:
        """A figure of all users; None where there is none."""
        row = self.all_users.get((model, metric))
        return None if row is None else float(row["value"])


def write_report(evaluation: Evaluation, folder: Path) -> Path:
    """Write `report.html` and the plots into the folder; returns the page."""
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    drawn = {name: path for name, path in _draw(evaluation, folder / "plots").items() if path}
    environment = Environment(
        loader=PackageLoader("spark_jobs.reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    page = folder / "report.html"
    # The XML declaration and the document type have no place inside a page.
    images = {name: Markup(text[text.index("<svg") :]) for name, path in drawn.items() if (text := path.read_text())}
    page.write_text(environment.get_template("report.html").render(e=evaluation, shown=SHOWN, images=images))
    return page


def _draw(evaluation: Evaluation, folder: Path) -> dict[str, Path | None]:
    rows = [row for row in evaluation.rows if row["slice"] is None]
    compared = [*evaluation.models[:2], evaluation.baseline]
    return {
        "ndcg": plots.interval_plot(rows, "ndcg_at_10", "NDCG@10", folder / "ndcg_at_10.svg"),
        "recall": plots.interval_plot(rows, "recall_at_20", "Recall@20", folder / "recall_at_20.svg"),
        "retrieval": plots.recall_plot(rows, folder / "retrieval.svg"),
        "trade_off": plots.trade_off_plot(rows, folder / "coverage.svg"),
        "segments": plots.slice_plot(evaluation.rows, compared, folder / "users.svg"),
        "categories": plots.category_plot(evaluation.rows, folder / "categories.svg"),
        "calibration": plots.calibration_plot(evaluation.rows, folder / "calibration.svg"),
        "sizes": plots.size_plot(evaluation.variants, folder / "sizes.svg"),
        "importance": plots.importance_plot(evaluation.importance, folder / "feature_importance.svg"),
    }
