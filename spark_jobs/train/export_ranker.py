"""Give the version trained tonight an ONNX twin, and prove that both rank tonight's candidates the same.

Reads tonight's snapshot tables, writes rows to ops.model_metrics, and logs the ONNX model beside the native one. Where
the two differ the job fails, and the version is not promoted.
"""

from __future__ import annotations

import xgboost as xgb

from spark_jobs.lakehouse.night import Night
from spark_jobs.ledgers import model_metrics
from spark_jobs.planning.snapshots import users_as_of
from spark_jobs.recommender.evaluation.evaluator import RANKER
from spark_jobs.recommender.export.conversion import facts, onnx_scores, to_onnx
from spark_jobs.recommender.export.parity import Parity, edge_parity, parity
from spark_jobs.recommender.indexing import shared_index
from spark_jobs.recommender.ranking.examples import real_rows
from spark_jobs.recommender.ranking.ranker import to_bytes
from spark_jobs.registry.model_registry import ModelRegistry


def run(night: Night) -> None:
    """Convert, compare, record, log; then fail where a limit is broken."""
    registry = ModelRegistry(night.settings, night.domain)
    version = registry.require_trained_on(night.run_date)
    booster = registry.load(version.number)
    model = to_onnx(booster)
    exported = model.SerializeToString()
    agreement = compare(night, booster, exported)
    figures = {
        "onnx_rows": float(agreement.rows),
        "onnx_max_difference": agreement.max_difference,
        "onnx_same_top_10": agreement.same_top_10,
    }
    rows = [
        {"model": RANKER, "metric": name, "value": value, "users": agreement.lists} for name, value in figures.items()
    ]
    model_metrics.record(night, version.number, rows)
    edge_parity(booster, exported).require()
    agreement.require()
    example = real_rows(night.read("gold.training_examples"), booster.feature_names or []).to_numpy()
    registry.log_onnx(version, model, figures, facts(model), example, onnx_scores(exported, example))


def compare(night: Night, booster: xgb.Booster, exported: bytes) -> Parity:
    """Both models on tonight's candidates."""
    context = night.spark.sparkContext
    histories = users_as_of(night, night.run_date)
    index = shared_index(context, night.stream, night.run_date, night.domain.sources)
    models = context.broadcast(to_bytes(booster)), context.broadcast(exported)
    agreement = parity(histories, index, *models)
    for one in (index, *models):
        one.destroy()
    return agreement
