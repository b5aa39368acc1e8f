"""Metrics of the new ranker, the champion, every source and baselines on the newest window, on the same users.

Reads the snapshot tables, silver.interactions and ops.model_variants, writes gold.evaluation_users and
ops.model_metrics, and adds metrics and a report with its plots to the MLflow run of the version; the report also lies
in `<home>/reports`. What is measured never saw the test window: both rankers are measured as fitted before theirs.
"""

from __future__ import annotations

import logging
from datetime import date, timedelta
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.contracts.serving import source_of
from spark_jobs.lakehouse.night import Night
from spark_jobs.ledgers import model_metrics, model_variants
from spark_jobs.ledgers.releases import champion, champion_known_at
from spark_jobs.planning.snapshots import users_as_of, with_attributes
from spark_jobs.planning.training_dates import training_dates
from spark_jobs.recommender.evaluation.evaluator import (
    CHAMPION,
    COLUMNS,
    NEW_EVENTS,
    RANKER,
    EvaluatedModels,
    evaluator,
)
from spark_jobs.recommender.evaluation.metrics import DESCRIPTIONS
from spark_jobs.recommender.evaluation.summary import summary
from spark_jobs.recommender.indexing import shared_index
from spark_jobs.recommender.ranking.exposure_search import exposure_of
from spark_jobs.recommender.ranking.labels import at_most, first_time_users, relevant_after, returning_users
from spark_jobs.recommender.ranking.ranker import FeatureMismatchError, feature_importance, to_bytes
from spark_jobs.registry.model_registry import LEARNT_UNTIL, ModelNotFoundError, ModelRegistry, Version
from spark_jobs.reports.report import Evaluation, write_report

logger = logging.getLogger("nightjar")
MOST_USERS = 20_000
"""Evaluated users: enough for intervals of ± .003 in NDCG@10."""


def run(night: Night) -> None:
    """Evaluate the version trained tonight."""
    registry = ModelRegistry(night.settings, night.domain)
    version = registry.require_trained_on(night.run_date)
    windows, (cutoff, *_) = training_dates(night)
    models = {RANKER: to_bytes(registry.load_tested(version.number))} | serving(night, registry, cutoff)
    users = test_users(night, cutoff, windows.days).persist()
    evaluate(night, version, cutoff, users, models)
    items = night.read("gold.item_features").where(F.col("as_of") == F.lit(cutoff))
    rows = summary(night.read("gold.evaluation_users"), users.select("user_id", "relevant"), items)
    users.unpersist()
    model_metrics.record(night, version.number, rows)
    log(night, registry, version, (cutoff, cutoff + timedelta(days=windows.days)), rows)


def serving(night: Night, registry: ModelRegistry, cutoff: date) -> dict[str, bytes]:
    """The champion of earlier nights, to be measured on the same users; none where there is none that can be.

    One that has learnt from the test window can't: windows that have grown since begin earlier than its own did.
    """
    before = night.run_date - timedelta(days=1)
    earlier = champion(night.lakehouse, until=before)
    # A source that serves is among the evaluated models anyway.
    if earlier is None or source_of(earlier):
        return {}
    try:
        known_at = champion_known_at(night.lakehouse, until=before)
        learnt_until = registry.describe(earlier).tags.get(LEARNT_UNTIL)
        if learnt_until and date.fromisoformat(learnt_until) > cutoff:
            logger.warning(
                "the champion is not evaluated: it has learnt until %s, the test is from %s", learnt_until, cutoff
            )
            return {}
        return {CHAMPION: to_bytes(registry.load_tested(earlier, known_at))}
    except (ModelNotFoundError, FeatureMismatchError) as error:
        logger.warning("the champion is not evaluated: %s", error)
        return {}


def test_users(night: Night, cutoff: date, days: int) -> DataFrame:
    """Histories at the cutoff of users who came in so many days after it, at most MOST_USERS, with what they took.

    Those who came for the first time are there, too, with empty histories: a new user's list is one to be measured.
    """
    histories = users_as_of(night, cutoff)
    relevant = relevant_after([cutoff], days, night.domain, night.read("silver.interactions"))
    new_users = with_attributes(night, first_time_users(histories, relevant))
    # Tonight's snapshot describes new users as well, so that its rows bound both.
    described = night.lakehouse.count("gold.user_histories")
    return reduce(
        DataFrame.unionByName, at_most(MOST_USERS, described, returning_users(histories, relevant), new_users)
    )


def evaluate(night: Night, version: Version, cutoff: date, users: DataFrame, models: dict[str, bytes]) -> None:
    """Write one row per user and evaluated model for the window after the newest cutoff."""
    context = night.spark.sparkContext
    histories = users_as_of(night, cutoff)
    index = shared_index(context, night.stream, cutoff, night.domain.sources)
    ranker = context.broadcast(models[RANKER])
    # Balanced for all users at the cutoff, as the night would have done it.
    exposure = exposure_of(histories, index, ranker, night.domain.recommendations)
    heavy = users.where(F.col("events_total") >= NEW_EVENTS).agg(F.percentile_approx("events_total", 0.5))
    evaluated_models = context.broadcast(EvaluatedModels(models, exposure, heavy.collect()[0][0] or NEW_EVENTS))
    evaluated = users.mapInArrow(evaluator(index, evaluated_models), COLUMNS).withColumn("as_of", F.lit(cutoff))
    night.replace("gold.evaluation_users", evaluated.withColumn("model_version", F.lit(version.number)))
    for one in (index, ranker, evaluated_models):
        one.destroy()


def log(night: Night, registry: ModelRegistry, version: Version, window: tuple[date, date], rows: list[dict]) -> None:
    """Send the figures of all users to MLflow, the ranker's by name, the others' with the model's name in front."""
    domain, importance = night.domain.domain, feature_importance(registry.load(version.number))
    evaluation = Evaluation(
        domain,
        version.number,
        night.run_date,
        *window,
        rows,
        importance,
        model_variants.latest(night.lakehouse, version.number),
        DESCRIPTIONS,
    )
    folder = night.settings.home / "reports" / domain / str(night.run_date)
    write_report(evaluation, folder)
    metrics = {
        metric if model == RANKER else f"{model}_{metric}": float(row["value"])
        for (model, metric), row in evaluation.all_users.items()
    }
    registry.log_evaluation(version, metrics, folder)
