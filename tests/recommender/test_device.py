"""Where rankers train: a demanded GPU that can't be used is an error, never a silent fall-back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import xgboost as xgb

from spark_jobs.recommender.ranking import device
from spark_jobs.recommender.ranking.device import DeviceError, training_device


def test_cpu_is_cpu() -> None:
    assert training_device("cpu") == "cpu"


@pytest.mark.skipif(bool(xgb.build_info().get("USE_CUDA")), reason="this XGBoost has CUDA support")
def test_cuda_without_support_is_refused_and_auto_takes_the_cpu() -> None:
    with pytest.raises(DeviceError, match=r"no CUDA support.*NIGHTJAR_XGBOOST=gpu make setup"):
        training_device("cuda")
    assert training_device("auto") == "cpu"


@pytest.mark.parametrize(("answer", "found"), [("exit 0", "cuda"), ("exit 9", "cpu")])
def test_auto_asks_the_machine(answer: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{answer}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(device.xgb, "build_info", lambda: {"USE_CUDA": True})

    assert training_device("auto") == found
