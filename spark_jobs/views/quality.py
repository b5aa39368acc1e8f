"""Quality over time: what each training promised on its test window, beside the best baseline and the champion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers import ledger, model_metrics
from spark_jobs.ledgers.ledger import Row

MODELS = ("ranker", "champion", "diversified")


@dataclass(frozen=True)
class QualityView:
    """One training: NDCG@10 over the returning users of its test window, with 95 % intervals."""

    run_date: date
    model_version: str
    users: int
    ranker: float
    low: float
    high: float
    best_baseline: str
    baseline: float
    champion: float | None
    """None where no model served before."""


def quality_over_time(lakehouse: Lakehouse, limit: int) -> list[QualityView]:
    """The latest evaluation of each run date that trained, newest first."""
    where = f"metric = '{model_metrics.EVALUATION}' AND slice IS NULL"
    rows = ledger.latest_of_each(lakehouse, model_metrics.TABLE, ("run_date", "model"), where)
    by_date: dict[date, dict[str, Row]] = {}
    for row in rows:
        by_date.setdefault(row["run_date"], {})[row["model"]] = row
    newest = sorted((day for day, models in by_date.items() if "ranker" in models), reverse=True)[:limit]
    return [_quality(day, by_date[day]) for day in newest]


def _quality(run_date: date, by_model: dict[str, Row]) -> QualityView:
    ranker = by_model["ranker"]
    baselines = [name for name in by_model if name not in MODELS]
    best = max(baselines, key=lambda name: by_model[name]["value"])
    champion = by_model.get("champion")
    return QualityView(
        run_date=run_date,
        model_version=ranker["model_version"],
        users=ranker["users"],
        ranker=ranker["value"],
        low=ranker["low"],
        high=ranker["high"],
        best_baseline=best,
        baseline=by_model[best]["value"],
        champion=champion["value"] if champion else None,
    )
