"""The registry: a missing version is a missing version, an outage is an outage."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException

from spark_jobs.contracts.settings import Settings
from spark_jobs.registry.model_registry import ModelNotFoundError, ModelRegistry
from spark_jobs.runner.failures import describe_failure
from tests.nights import write_domain


def test_what_was_never_registered_is_not_found(home: Path) -> None:
    registry = ModelRegistry(Settings(home=home), write_domain(home))
    night = write_domain(home).tonight()

    assert registry.trained_on(night) is None
    with pytest.raises(ModelNotFoundError, match=f"No model version was trained for {night}"):
        registry.require_trained_on(night)
    with pytest.raises(ModelNotFoundError, match=r"nightjar\.shop version 7 can't be loaded.*trains anew"):
        registry.load("7")

    registry.follow(None)


def test_an_outage_does_not_read_as_nothing_trained_and_is_tried_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    domain = write_domain(home)
    # Nothing listens on the discard port.
    settings = Settings(home=home, mlflow_tracking_uri="http://127.0.0.1:9")

    with pytest.raises(MlflowException) as caught:
        ModelRegistry(settings, domain).trained_on(domain.tonight())
    assert describe_failure(caught.value, None, settings).retry
