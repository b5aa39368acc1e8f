"""Models in MLflow: log a training, register its version, find and load versions."""

from __future__ import annotations

import logging
import os
import re
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

# Telemetry and the agreement banners have no place in a nightly job.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import mlflow
import numpy as np
import onnx
import pandas as pd
import xgboost as xgb
from mlflow.data.delta_dataset_source import DeltaDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from mlflow.tracking import MlflowClient
from mlflow.utils.logging_utils import disable_logging
from xgboost.core import XGBoostError

from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.errors import NightjarError
from spark_jobs.contracts.serving import source_of
from spark_jobs.contracts.settings import Settings

CHAMPION, PREVIOUS, CHALLENGER = "champion", "previous", "challenger"
"""Aliases: what serves, what served before it, and the newest version that has been judged and never served."""
TESTED = "tested_ranker.ubj"
LOST = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND", "ENDPOINT_NOT_FOUND")
"""What MLflow says of a version, or a file of it, that is not there."""
LEARNT_UNTIL = "tested_learnt_until"
"""Tag of a version: the day up to which the ranker that is measured has learnt from events."""
ONNX = "onnx_model"
"""Tag of a version: where its ONNX twin lies."""

# What MLflow tells at INFO belongs to its own log, not to the night's.
logging.getLogger("mlflow").setLevel(logging.WARNING)
# The environment has no pip, and what a model needs is said without it.
logging.getLogger("mlflow.utils.environment").setLevel(logging.ERROR)


class ModelNotFoundError(NightjarError):
    """No registered model version fits; the message says which was looked for."""


@dataclass(frozen=True)
class Version:
    """One registered model version."""

    number: str
    run_id: str
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    """Tables it learnt from, with their versions."""


@dataclass(frozen=True)
class TableVersion:
    """A table as a training read it."""

    name: str
    uri: str
    version: int


class ModelRegistry:
    """The registered model of one domain, and the experiment that its trainings are logged to."""

    def __init__(self, settings: Settings, domain: Domain) -> None:
        self.name, self._uri = domain.model_name, settings.tracking_uri()
        mlflow.set_tracking_uri(self._uri)
        self._client = MlflowClient()
        if self._client.get_experiment_by_name(self.name) is None:
            artifacts = None
            if settings.mlflow_tracking_uri is None:
                artifacts = (settings.home / "mlflow" / "artifacts" / domain.domain).as_uri()
            self._client.create_experiment(self.name, artifact_location=artifacts)
        mlflow.set_experiment(self.name)

    def trained_on(self, run_date: date) -> Version | None:
        """The newest version trained at this run date, or None."""
        versions = self._client.search_model_versions(f"name = '{self.name}' and tags.run_date = '{run_date}'")
        newest = max(versions, key=lambda version: int(version.version), default=None)
        return Version(str(newest.version), str(newest.run_id), dict(newest.tags)) if newest else None

    def require_trained_on(self, run_date: date) -> Version:
        """The newest version trained at this run date; raises ModelNotFoundError."""
        version = self.trained_on(run_date)
        if version is None:
            raise ModelNotFoundError(
                f"No model version was trained for {run_date}; run the train stage from its start."
            )
        return version

    def register(
        self,
        booster: xgb.Booster,
        *,
        tested: xgb.Booster,
        params: dict[str, Any],
        domain: Domain,
        inputs: list[TableVersion],
        tags: dict[str, str],
        example: pd.DataFrame,
    ) -> Version:
        """Log parameters, inputs and model of one training as a run, and register the version with its `tags`.

        `tested` is the same training without the test window, `example` are some real rows of its features. `run_date`
        must be among the tags.
        """
        with mlflow.start_run(run_name=f"night {tags['run_date']}") as run:
            mlflow.log_params(params)
            mlflow.set_tags(tags)
            mlflow.log_dict(domain.model_dump(mode="json"), "domain.json")
            for table in inputs:
                mlflow.log_input(_dataset(table), context="training")
            with tempfile.TemporaryDirectory() as folder:
                tested.save_model(f"{folder}/{TESTED}")
                mlflow.log_artifact(f"{folder}/{TESTED}")
            logged = mlflow.xgboost.log_model(
                booster,
                name="ranker",
                signature=infer_signature(example, booster.predict(xgb.DMatrix(example))),
                input_example=example,
                pip_requirements=[f"xgboost=={xgb.__version__}"],
                model_format="ubj",
            )
        # Here, since MLflow's patches of other libraries turn its announcements on again.
        disable_logging()  # type: ignore[no-untyped-call]
        registered = mlflow.register_model(logged.model_uri, self.name, tags=tags)
        return Version(str(registered.version), run.info.run_id, tags)

    def log_evaluation(self, version: Version, metrics: dict[str, float], folder: Path) -> None:
        """Add metrics, and a folder with the report and its plots, to the run that trained the version."""
        self._log_metrics(version, metrics)
        self._client.log_artifacts(version.run_id, str(folder), "evaluation")

    def _log_metrics(self, version: Version, metrics: dict[str, float]) -> None:
        now = int(time.time() * 1000)
        self._client.log_batch(version.run_id, [Metric(name, value, now, 0) for name, value in metrics.items()])

    def log_onnx(
        self,
        version: Version,
        model: onnx.ModelProto,
        metrics: dict[str, float],
        facts: dict[str, str],
        example: np.ndarray,
        scores: np.ndarray,
    ) -> None:
        """Log the version's ONNX twin beside it, with real rows (`example`) and their `scores`."""
        self._log_metrics(version, metrics)
        with mlflow.start_run(run_id=version.run_id):
            logged = mlflow.onnx.log_model(
                model,
                name="ranker_onnx",
                onnx_execution_providers=["CPUExecutionProvider"],
                signature=infer_signature(example, scores.astype(np.float32)[:, None]),
                input_example=example,
                pip_requirements=[f"onnxruntime=={facts['onnx_runtime']}", "numpy"],
            )
        self.tag(version, facts | {ONNX: logged.model_uri})

    def log_variants(self, version: Version, rows: dict[str, dict[str, Any]]) -> None:
        """Log the figures of each variant, by its name, as a child of the run that trained the version; once."""
        experiment = self._client.get_run(version.run_id).info.experiment_id
        if self._client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{version.run_id}'", max_results=1):
            return
        for name, figures in rows.items():
            with mlflow.start_run(run_name=name, parent_run_id=version.run_id):
                mlflow.log_metrics({k: float(v) for k, v in figures.items() if isinstance(v, int | float)})
                mlflow.set_tags({k: v for k, v in figures.items() if isinstance(v, str)})

    def tag(self, version: Version, tags: dict[str, str]) -> None:
        """Set tags of the version."""
        for name, text in tags.items():
            self._client.set_model_version_tag(self.name, version.number, name, text)

    def describe(self, number: str) -> Version:
        """The version with its tags and what its run recorded; raises ModelNotFoundError."""
        try:
            version = self._client.get_model_version(self.name, number)
        except MlflowException as error:
            raise self._not_loaded(number, error) from error
        run = self._client.get_run(str(version.run_id))
        inputs = [used.dataset.name for used in run.inputs.dataset_inputs] if run.inputs else []
        data = run.data
        return Version(number, str(version.run_id), dict(version.tags), dict(data.metrics), dict(data.params), inputs)

    def write_card(self, version: Version, card: str) -> None:
        """Keep the model card with the version, and show it as its description."""
        self._client.log_text(version.run_id, card, "model_card.md")
        self._client.update_model_version(self.name, version.number, description=card)

    def card(self, number: str) -> str:
        """The version's model card, under the latest word on it; raises ModelNotFoundError."""
        decision_text = self.describe(number).tags.get("promotion", "not evaluated yet")
        card = self._client.get_model_version(self.name, number).description or f"Version {number} has no model card."
        return card if decision_text in card else f"**{decision_text}**\n\n{card}"

    def versions(self, limit: int) -> list[tuple[Version, list[str]]]:
        """The latest versions with their aliases, newest first."""
        newest_first = sorted(
            self._client.search_model_versions(f"name = '{self.name}'"), key=lambda v: -int(v.version)
        )
        aliases = self._client.get_registered_model(self.name).aliases if newest_first else {}

        def of(number: str) -> list[str]:
            return sorted(name for name, at in aliases.items() if str(at) == number)

        return [(self.describe(str(one.version)), of(str(one.version))) for one in newest_first[:limit]]

    def load_onnx(self, number: str) -> onnx.ModelProto:
        """The version's ONNX twin; raises ModelNotFoundError where there is none."""
        uri = self.describe(number).tags.get(ONNX)
        if uri is None:
            raise ModelNotFoundError(
                f"Model {self.name} version {number} has no ONNX twin: it was trained before there were any, or its "
                "export failed (ops.runs says why)."
            )
        return mlflow.onnx.load_model(uri)  # type: ignore[no-any-return]

    def challenge(self, version: Version) -> None:
        """Let the alias `challenger` point at the version, until it serves."""
        self._client.set_registered_model_alias(self.name, CHALLENGER, version.number)

    def follow(self, version: str | None) -> None:
        """Let the alias `champion` point at what serves, which is the truth, and `previous` at what did before.

        Without a model in service there is no champion.
        """
        if version is None:
            return
        aliases = self._client.get_registered_model(self.name).aliases if self._has_model() else {}
        # MLflow gives numbers here and texts elsewhere.
        before = str(aliases[CHAMPION]) if CHAMPION in aliases else None
        if str(aliases.get(CHALLENGER)) == version:
            self._client.delete_registered_model_alias(self.name, CHALLENGER)
        if before == version:
            return
        if source_of(version) is None and not self.has(version):
            logging.getLogger("nightjar").warning("version %s serves, and %s has none of it", version, self.name)
            return
        if before:
            self._client.set_registered_model_alias(self.name, PREVIOUS, before)
        if source_of(version) is None:
            self._client.set_registered_model_alias(self.name, CHAMPION, version)
        elif before:
            self._client.delete_registered_model_alias(self.name, CHAMPION)

    def _has_model(self) -> bool:
        return bool(self._client.search_registered_models(f"name = '{self.name}'"))

    def load_tested(self, version: str, known_at: datetime | None = None) -> xgb.Booster:
        """The version's booster as it was before it saw the test window, to be measured; as `load`.

        Versions without one never saw theirs.
        """
        run_id = self._require(version, known_at)
        try:
            if not any(file.path == TESTED for file in self._client.list_artifacts(run_id)):
                return self.load(version)
            return xgb.Booster(model_file=mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=TESTED))
        except (MlflowException, OSError, XGBoostError) as error:
            raise self._not_loaded(version, error) from error

    def load(self, version: str, known_at: datetime | None = None) -> xgb.Booster:
        """The version's booster.

        A number alone names no model: a registry that was lost counts from 1 again. A version that was made after
        `known_at`, when one of its number was known already, is another one.

        Raises ModelNotFoundError where the registry does not have it.
        """
        self._require(version, known_at)
        try:
            return mlflow.xgboost.load_model(f"models:/{self.name}/{version}")  # type: ignore[no-any-return]
        except (MlflowException, OSError, XGBoostError) as error:
            raise self._not_loaded(version, error) from error

    def has(self, version: str, known_at: datetime | None = None) -> bool:
        """Whether the registry has the version; its files are not looked at."""
        try:
            self._require(version, known_at)
        except ModelNotFoundError:
            return False
        return True

    def _require(self, number: str, known_at: datetime | None) -> str:
        """The version's run."""
        try:
            found = self._client.get_model_version(self.name, number)
        except MlflowException as error:
            raise self._not_loaded(number, error) from error
        made = datetime.fromtimestamp(int(found.creation_timestamp) / 1000, UTC)
        if known_at and made > known_at:
            raise ModelNotFoundError(
                f"Model {self.name} version {number} in {self._mask()} was made {made:%Y-%m-%d %H:%M} UTC, and one of "
                f"that number was known {known_at:%Y-%m-%d %H:%M} UTC: that one's registry is gone."
            )
        return str(found.run_id)

    def _not_loaded(self, number: str, error: Exception) -> Exception:
        lost = not isinstance(error, MlflowException) or error.error_code in LOST or "No such artifact" in str(error)
        if not lost:
            return error  # an outage, which trying again can help
        return ModelNotFoundError(
            f"Model {self.name} version {number} can't be loaded from {self._mask()}: {error or type(error).__name__}."
            " Nights do without it: a source serves, and the next one trains anew."
        )

    def _mask(self) -> str:
        """The tracking URI without its password."""
        return re.sub(r"(?<=//)[^/@]*@", "***@", self._uri)


def _dataset(table: TableVersion) -> MetaDataset:
    # The version is part of the name: MLflow merges datasets of equal name and digest into the first it saw.
    source = DeltaDatasetSource(path=table.uri, delta_table_version=table.version)
    return MetaDataset(source=source, name=f"{table.name}@v{table.version}")  # type: ignore[abstract]
