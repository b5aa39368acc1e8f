"""Which device rankers train on."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Literal

import xgboost as xgb
from pyspark.sql import SparkSession

from spark_jobs.contracts.errors import NightjarError


class DeviceError(NightjarError):
    """A GPU was demanded and there is none that XGBoost can use; the message says what is missing."""


def training_device(
    wanted: Literal["auto", "cpu", "cuda"], spark: SparkSession | None = None
) -> Literal["cpu", "cuda"]:
    """The device to train on. `auto` takes a usable GPU; `cuda` raises DeviceError without one.

    XGBoost itself falls back to the CPU with nothing but a warning, which is why this asks beforehand: this machine, or
    an executor of the session, where its master starts some.
    """
    if wanted == "cpu":
        return "cpu"
    if spark is None or str(spark.sparkContext.master).startswith("local"):
        missing = _what_a_gpu_lacks()
    else:
        missing = spark.sparkContext.parallelize([0], 1).map(lambda _: _what_a_gpu_lacks()).first()
    if missing and wanted == "cuda":
        raise DeviceError(f"NIGHTJAR_DEVICE is cuda, but {missing}. Use NIGHTJAR_DEVICE=auto to train on the CPU.")
    return "cpu" if missing else "cuda"


def require_device(booster: xgb.Booster, device: str) -> None:
    """Raise DeviceError unless the booster was trained on the device."""
    trained_on = json.loads(booster.save_config())["learner"]["generic_param"]["device"]
    if not trained_on.startswith(device):
        raise DeviceError(f"Asked XGBoost to train on {device}, but it trained on {trained_on}.")


def _what_a_gpu_lacks() -> str | None:
    if not xgb.build_info().get("USE_CUDA"):
        return "the installed XGBoost has no CUDA support (install with NIGHTJAR_XGBOOST=gpu make setup)"
    tool = shutil.which("nvidia-smi")
    if tool is None or subprocess.run([tool, "-L"], capture_output=True, check=False).returncode != 0:
        return "no NVIDIA GPU answers on this machine (nvidia-smi -L)"
    return None
