"""What a smaller or simpler model would cost: a row for each in ops.model_variants.

Reads gold.training_examples, the snapshot tables and silver.interactions. Variants are trained and measured as the
ranker is: on what was known before the test window. Where the domain prefers smaller ones, the smallest that is good
enough is fitted to everything, registered, and goes on to evaluation and promotion instead. `train.compare_seconds`
bounds the time, and 0 leaves all this out.
"""

from __future__ import annotations

from typing import Any

import xgboost as xgb
from pyspark.sql import DataFrame

from spark_jobs.lakehouse.night import Night
from spark_jobs.ledgers import model_variants
from spark_jobs.planning.snapshots import users_as_of
from spark_jobs.planning.training_dates import training_dates
from spark_jobs.recommender.indexing import shared_index
from spark_jobs.recommender.ranking.examples import real_rows
from spark_jobs.recommender.ranking.labels import at_most, relevant_after, returning_users
from spark_jobs.recommender.ranking.params import PARAMS
from spark_jobs.recommender.ranking.ranker import to_bytes
from spark_jobs.recommender.ranking.training_rows import one_worker
from spark_jobs.recommender.variants.comparison import FULL, compare, smallest
from spark_jobs.recommender.variants.trials import trials
from spark_jobs.recommender.variants.variants import VARIANTS
from spark_jobs.registry.model_registry import ModelRegistry, TableVersion, Version

MOST_USERS = 5_000
ROWS_TO_TELL, ROWS_TO_CHOOSE = 250_000, 1_000_000
"""Rows that variants are trained on at most: enough to tell what they would cost, or to choose and serve one."""
RECORDED = (
    *("variant", "ndcg_at_10", "low", "high", "difference", "difference_low", "difference_high", "users"),
    *("bytes", "bytes_zstd", "onnx_bytes", "rows_per_second", "onnx_rows_per_second", "seconds", "note"),
)


def run(night: Night) -> None:
    """Try, measure, choose, record."""
    registry, train = ModelRegistry(night.settings, night.domain), night.domain.train
    version = registry.require_trained_on(night.run_date)
    if not train.compare_seconds or "variant" in version.tags:
        return
    examples = night.require_rows("gold.training_examples", "no user took anything in the label windows")
    tried_variants = tried(
        night, examples, "label_tested", registry.load_tested(version.number), [v.name for v in VARIANTS]
    )
    rows = measured(night, [row for row in tried_variants if row["onnx"]])
    chosen = FULL if train.most_loss is None else smallest(rows, train.most_loss)
    if chosen != FULL:
        version = register(night, registry, version, examples, chosen, rows)
    left_out = [row for row in tried_variants if not row["onnx"]]
    figures = [{name: row.get(name) for name in RECORDED} for row in [*rows, *left_out]]
    model_variants.record(night, version.number, figures, chosen)
    registry.log_variants(version, {str(row["variant"]): row for row in figures})


def tried(
    night: Night, examples: DataFrame, label: str, teacher: xgb.Booster, names: list[str]
) -> list[dict[str, Any]]:
    """Variants of the teacher, made in one worker."""
    train = night.domain.train
    most = ROWS_TO_CHOOSE if train.prefer_smaller else ROWS_TO_TELL
    rows = min(night.lakehouse.count("gold.training_examples"), most)
    threads = one_worker(night.spark, rows, "Comparing variants on")
    seconds = float(train.compare_seconds)
    return trials(examples, label, to_bytes(teacher), names, most, threads=threads, seconds=seconds)


def measured(night: Night, trials: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The variants on users of the test window, at most MOST_USERS."""
    context, events = night.spark.sparkContext, night.read("silver.interactions")
    windows, (cutoff, *_) = training_dates(night)
    relevant = relevant_after([cutoff], windows.days, night.domain, events)
    users = returning_users(users_as_of(night, cutoff), relevant).persist()
    sample = at_most(MOST_USERS, night.lakehouse.count("gold.user_histories"), users)[0]
    index = shared_index(context, night.stream, cutoff, night.domain.sources)
    shared = context.broadcast([{name: value for name, value in row.items() if name != "booster"} for row in trials])
    compared = compare(sample, index, shared)
    for one in (index, shared):
        one.destroy()
    users.unpersist()
    boosters = {row["variant"]: row["booster"] for row in trials}
    return [row | {"booster": boosters.get(row["variant"])} for row in compared]


def register(
    night: Night,
    registry: ModelRegistry,
    full: Version,
    examples: DataFrame,
    chosen: str,
    rows: list[dict[str, Any]],
) -> Version:
    """The chosen variant, fitted to everything, as a version of its own."""
    served = tried(night, examples, "label", registry.load(full.number), [chosen])[0]
    measured_booster = next(row["booster"] for row in rows if row["variant"] == chosen)
    booster = xgb.Booster(model_file=bytearray(served["booster"]))
    return registry.register(
        booster,
        tested=xgb.Booster(model_file=bytearray(measured_booster)),
        params={**PARAMS, "variant": chosen},
        domain=night.domain,
        inputs=[TableVersion(name, night.lakehouse.uri(name), v) for name, v in night.versions_read.items()],
        tags={name: full.tags[name] for name in ("run_date", "examples_digest", "code_version")} | {"variant": chosen},
        example=real_rows(examples, booster.feature_names or []),
    )
