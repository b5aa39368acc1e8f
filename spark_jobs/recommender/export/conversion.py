"""Convert a ranker to ONNX through onnxmltools, and check that the graph is the ranker."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import numpy as np
import onnx
import onnxmltools
import onnxruntime
import xgboost as xgb
from onnxmltools.convert.common.data_types import FloatTensorType

from spark_jobs.contracts.errors import NightjarError

INPUT = "features"
"""Name of the model's one input: rows × features, float32, NaN for missing."""


class ConversionError(NightjarError):
    """An ONNX graph is not what the ranker is; the message says in what they differ."""


def to_onnx(booster: xgb.Booster) -> onnx.ModelProto:
    """The booster as an ONNX model that names its features, in order, in its metadata; raises ConversionError."""
    names = list(booster.feature_names or [])
    # onnxmltools makes a classifier of whatever is no regression, ranking too. Scores are the sum of the leaves either
    # way, and names other than f0, f1, ... are not taken.
    regression = booster.copy()
    regression.set_param({"objective": "reg:squarederror"})
    regression.feature_names = None
    model: onnx.ModelProto = onnxmltools.convert_xgboost(
        regression, initial_types=[(INPUT, FloatTensorType([None, len(names)]))]
    )
    onnx.helper.set_model_props(model, {"features": json.dumps(names)})
    require_same_shape(booster, model)
    return model


def require_same_shape(booster: xgb.Booster, model: onnx.ModelProto) -> None:
    """Raise ConversionError unless the graph is one regression over the booster's trees and features."""
    operators = [node.op_type for node in model.graph.node]
    if operators != ["TreeEnsembleRegressor"]:
        raise ConversionError(
            f"The ONNX graph is {', '.join(operators)} and not one TreeEnsembleRegressor: a ranker that became a "
            "classifier scores classes."
        )
    attributes = attributes_of(model)
    trees, wanted = len(set(attributes["nodes_treeids"])), booster.num_boosted_rounds()
    if trees != wanted:
        raise ConversionError(f"The ONNX graph has {trees} trees, the ranker {wanted}.")
    inputs = [[axis.dim_value for axis in value.type.tensor_type.shape.dim] for value in model.graph.input]
    if len(inputs) != 1 or inputs[0][-1] != booster.num_features():
        raise ConversionError(f"The ONNX graph takes inputs of {inputs}, the ranker {booster.num_features()} features.")


def attributes_of(model: onnx.ModelProto) -> dict[str, Any]:
    """Attributes of the graph's only node."""
    return {item.name: onnx.helper.get_attribute_value(item) for item in model.graph.node[0].attribute}


def facts(model: onnx.ModelProto) -> dict[str, str]:
    """What a server has to know: versions of the format and of the runtime that it was tried with."""
    opsets = ", ".join(f"{opset.domain or 'ai.onnx'} {opset.version}" for opset in model.opset_import)
    return {"onnx_opset": opsets, "onnx_ir": str(model.ir_version), "onnx_runtime": onnxruntime.__version__}


@lru_cache(maxsize=64)
def session(model: bytes) -> onnxruntime.InferenceSession:
    """The model, ready to run on one thread; once per worker process."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def onnx_scores(model: bytes, features: np.ndarray) -> np.ndarray:
    """Scores of rows × features: a regression's values, or the probability of the second class."""
    if len(features) == 0:
        return np.empty(0)
    scores = session(model).run(None, {INPUT: np.ascontiguousarray(features, dtype=np.float32)})[-1]
    return np.asarray(scores, dtype=np.float64).reshape(len(features), -1)[:, -1]
