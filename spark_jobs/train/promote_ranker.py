"""Decide whether the version trained tonight may serve, and write down why.

Reads ops.model_metrics, writes ops.decisions; the reason is a tag of the version in the registry. A promoted version
becomes champion when lists that it made pass all checks and are published; until then it is the challenger. Where no
ranker has served yet and this one loses, the best candidate source serves. While a person holds a model, no other
is promoted; and none is without a person where the domain says `approval: required`.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from typing import Any

import xgboost as xgb

from spark_jobs.contracts.serving import source_of
from spark_jobs.contracts.settings import PROJECT_ROOT
from spark_jobs.lakehouse.night import Night
from spark_jobs.ledgers import decisions, model_metrics
from spark_jobs.ledgers.decisions import Decision, Kind, Outcome, baseline_serves, held_model, latest_about
from spark_jobs.ledgers.releases import champion, champion_known_at
from spark_jobs.recommender.evaluation.promotion import Verdict, decide_promotion
from spark_jobs.recommender.features.vocabulary import FEATURES
from spark_jobs.recommender.ranking.ranker import feature_importance
from spark_jobs.registry.model_registry import ModelNotFoundError, ModelRegistry, Version
from spark_jobs.reports.card import model_card

DECISION_TEXTS = {Outcome.YES: "promoted", Outcome.NO: "refused", Outcome.WAITS: "waits for a person"}
"""How a version's tag begins."""


def run(night: Night) -> None:
    """Judge, and write it down."""
    registry = ModelRegistry(night.settings, night.domain)
    version, earlier = registry.require_trained_on(night.run_date), champion_before(night)
    rows = model_metrics.latest_evaluation(night.lakehouse, version.number)
    growth = size_against(registry, version, earlier, champion_known_at(night.lakehouse, until=day_before(night)))
    verdict = decide_promotion(rows, min_coverage=night.domain.train.min_coverage, growth=growth)
    outcome, reason = outcome_of(night, verdict, version.number)
    booster = registry.load(version.number)
    tonight = [Decision(Kind.PROMOTE, outcome, reason, version.number, booster.feature_names or [])]
    if outcome != Outcome.YES and verdict.best_source and not stays(night, earlier):
        tonight.append(baseline_serves(verdict.best_source, f"no ranker serves yet: {reason}"))
    decisions.record(night, *tonight)
    decision_text = f"{DECISION_TEXTS[outcome]}: {reason}"
    registry.tag(version, {"promotion": decision_text})
    registry.challenge(version)
    if rows:
        registry.write_card(version, card(night, registry.describe(version.number), decision_text, rows, booster))


def stays(night: Night, earlier: str | None) -> bool:
    """Whether what served before tonight stays: a ranker, or a source that a person holds."""
    return earlier is not None and (
        source_of(earlier) is None or held_model(night.lakehouse, night.run_date) is not None
    )


def outcome_of(night: Night, verdict: Verdict, version: str) -> tuple[Outcome, str]:
    """What the verdict comes to, and why: people have the last word."""
    if not verdict.promote:
        return Outcome.NO, verdict.reason
    if held := held_model(night.lakehouse, night.run_date):
        return Outcome.NO, f"version {held.model_version} is held ({held.reason}); otherwise: {verdict.reason}"
    if night.domain.train.approval == "required":
        if answer := latest_about(night.lakehouse, Kind.CHOOSE, version):
            return answer.outcome, f"{answer.reason}; {verdict.reason}"
        return Outcome.WAITS, verdict.reason
    return Outcome.YES, verdict.reason


def card(night: Night, version: Version, decision_text: str, rows: list[dict[str, Any]], booster: xgb.Booster) -> str:
    """The model card of the version."""
    lock = PROJECT_ROOT / "uv.lock"
    digests = {
        "domain_digest": night.domain.digest[:16],
        "lock_digest": hashlib.sha256(lock.read_bytes()).hexdigest()[:16] if lock.is_file() else "without a lock file",
    }
    descriptions = {feature.name: feature.description for feature in FEATURES}
    return model_card(version, night.domain, decision_text, rows, feature_importance(booster), descriptions, digests)


def champion_before(night: Night) -> str | None:
    """What served before tonight."""
    return champion(night.lakehouse, until=day_before(night))


def day_before(night: Night) -> date:
    """The latest run date that was over before tonight."""
    return night.run_date - timedelta(days=1)


def size_against(registry: ModelRegistry, version: Version, earlier: str | None, known_at: datetime | None) -> float:
    """How many times the champion's size the version has; 1 where there is no champion that is a model."""
    if earlier is None or source_of(earlier):
        return 1.0
    try:
        theirs = len(registry.load(earlier, known_at).save_raw("ubj"))
    except ModelNotFoundError:
        return 1.0
    return len(registry.load(version.number).save_raw("ubj")) / theirs
