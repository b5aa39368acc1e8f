"""Models in MLflow: log a training, register its version, find and load versions."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

# Telemetry and the agreement banners have no place in a nightly job.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

import mlflow
import numpy as np
import pandas as pd
import xgboost as xgb
from mlflow.data.delta_dataset_source import DeltaDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from mlflow.tracking import MlflowClient

from spark_jobs.contracts.features import FEATURE_NAMES
from spark_jobs.lakehouse.night import Night

CHAMPION = "champion"

# What MLflow tells at INFO belongs to its own log, not to the night's.
logging.getLogger("mlflow").setLevel(logging.WARNING)


class ModelNotFoundError(LookupError):
    """No registered model version fits; the message says which was looked for."""


@dataclass(frozen=True)
class Version:
    """One registered model version."""

    number: str
    run_id: str


def client(night: Night) -> MlflowClient:
    """MLflow client of the installation; the domain's experiment is selected."""
    mlflow.set_tracking_uri(night.settings.tracking_uri())
    found = MlflowClient()
    if found.get_experiment_by_name(night.domain.model_name) is None:
        artifacts = None
        if night.settings.mlflow_tracking_uri is None:
            artifacts = (night.settings.home / "mlflow" / "artifacts" / night.domain.domain).as_uri()
        found.create_experiment(night.domain.model_name, artifact_location=artifacts)
    mlflow.set_experiment(night.domain.model_name)
    return found


def trained_tonight(night: Night, digest: str | None = None) -> Version | None:
    """The newest version trained at this run date, or None; with `digest` only one from equal examples."""
    wanted = f"name = '{night.domain.model_name}' and tags.run_date = '{night.run_date}'"
    if digest:
        wanted += f" and tags.examples_digest = '{digest}'"
    try:
        found = client(night).search_model_versions(wanted)
    except MlflowException:
        return None
    newest = max(found, key=lambda version: int(version.version), default=None)
    return Version(str(newest.version), str(newest.run_id)) if newest else None


def register(night: Night, booster: xgb.Booster, params: dict[str, Any], digest: str) -> Version:
    """Log parameters, inputs and model of one training as a run, and register the version."""
    registry = client(night)
    with mlflow.start_run(run_name=f"night {night.run_date}") as run:
        mlflow.log_params(params)
        mlflow.set_tags({"run_date": str(night.run_date), "code_version": night.code_version})
        mlflow.log_dict(night.domain.model_dump(mode="json"), "domain.json")
        for name, version in night.versions_read.items():
            mlflow.log_input(_dataset(night, name, version), context="training")
        example = pd.DataFrame([[0.0] * len(FEATURE_NAMES)], columns=list(FEATURE_NAMES), dtype="float32")
        mlflow.xgboost.log_model(
            booster,
            name="ranker",
            registered_model_name=night.domain.model_name,
            signature=infer_signature(example, np.zeros(1, dtype="float32")),
            pip_requirements=[f"xgboost=={xgb.__version__}"],
            model_format="ubj",
        )
    registered = max(
        registry.search_model_versions(f"name = '{night.domain.model_name}' and run_id = '{run.info.run_id}'"),
        key=lambda found: int(found.version),
    )
    for tag, text in {
        "run_date": str(night.run_date),
        "examples_digest": digest,
        "code_version": night.code_version,
    }.items():
        registry.set_model_version_tag(night.domain.model_name, registered.version, tag, text)
    return Version(str(registered.version), run.info.run_id)


def _dataset(night: Night, name: str, version: int) -> MetaDataset:
    # The version is part of the name: MLflow merges datasets of equal name and digest into the first it saw.
    source = DeltaDatasetSource(path=night.path(name), delta_table_version=version)
    return MetaDataset(source=source, name=f"{name}@v{version}")  # type: ignore[abstract]


def log_evaluation(night: Night, version: Version, metrics: dict[str, float], plots: list[Path]) -> None:
    """Add metrics and plots to the run that trained the version."""
    registry = client(night)
    for name, value in metrics.items():
        registry.log_metric(version.run_id, name, value)
    for plot in plots:
        registry.log_artifact(version.run_id, str(plot), "plots")


def set_champion(night: Night, version: str) -> None:
    """Point the alias `champion` at the version."""
    client(night).set_registered_model_alias(night.domain.model_name, CHAMPION, version)


def load_bytes(night: Night, version: str) -> bytes:
    """The version's booster as UBJSON bytes; raises ModelNotFoundError where the registry does not have it."""
    client(night)
    try:
        booster = mlflow.xgboost.load_model(f"models:/{night.domain.model_name}/{version}")
    except MlflowException as error:
        raise ModelNotFoundError(
            f"Model {night.domain.model_name} version {version} can't be loaded from {night.settings.tracking_uri()}:"
            f" {error.message}. Train again with --force-training."
        ) from error
    if list(booster.feature_names or []) != list(FEATURE_NAMES):
        raise ModelNotFoundError(
            f"Model {night.domain.model_name} version {version} was trained on other features than this code makes;"
            " train again with --force-training."
        )
    return bytes(booster.save_raw("ubj"))


def feature_importance(booster: xgb.Booster) -> dict[str, float]:
    """Total gain by feature, as a share."""
    gains = cast("dict[str, float]", booster.get_score(importance_type="total_gain"))
    total = sum(gains.values()) or 1.0
    return {name: gain / total for name, gain in gains.items()}
