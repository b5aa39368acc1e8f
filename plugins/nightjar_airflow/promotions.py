"""Asking a person whether a version may serve, and doing what they say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from spark_jobs.contracts.domain import find_domain
from spark_jobs.contracts.settings import load_settings
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers.decisions import Kind, Outcome, latest_of_date

PROMOTE, REFUSE = "Promote", "Refuse"


def waiting_version(domain: str, run_date: str) -> str | None:
    """The version trained for the run date, if it is good enough and waits for a person."""
    latest_decision = latest_of_date(Lakehouse.of(load_settings(), domain), Kind.PROMOTE, date.fromisoformat(run_date))
    return latest_decision.model_version if latest_decision and latest_decision.outcome == Outcome.WAITS else None


def describe_version(domain: str, version: str) -> str:
    """The model card, for the person who decides; raises ModelNotFoundError."""
    # MLflow and XGBoost are for the task, not for whoever parses its DAG.
    from spark_jobs.registry.model_registry import ModelRegistry

    settings = load_settings()
    return ModelRegistry(settings, find_domain(settings.conf_dir, domain)).card(version)


def record_answer(domain: str, version: str, answer: Mapping[str, Any]) -> None:
    """Promote or refuse the version, as the person said, or refuse it because nobody said anything."""
    from spark_jobs.operations.promotion import promote, refuse

    settings, person = load_settings(), answer["responded_by_user"]
    said = (answer["params_input"] or {}).get("reason") or "no reason given"
    reason, by = (said, person["name"]) if person else ("nobody answered in time", "Airflow")
    decide = promote if answer["chosen_options"] == [PROMOTE] else refuse
    decide(settings, find_domain(settings.conf_dir, domain), version, reason, by)
    print(f"Version {version} {'scores from the next night on' if decide is promote else 'was refused'}: {reason}")
