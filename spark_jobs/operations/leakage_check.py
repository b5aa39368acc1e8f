"""Prove on a domain's own tables that no feature saw the future: `nightjar check-leakage`.

The oldest cutoff of the latest training is replayed in a lakehouse of its own that holds nothing from the cutoff on.
Candidates and features must come out as they did with the later events there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import reduce
from operator import and_
from pathlib import Path

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.contracts.errors import NightjarError
from spark_jobs.lakehouse.night import Night
from spark_jobs.planning.snapshots import histories_of
from spark_jobs.planning.training_dates import training_dates
from spark_jobs.prepare import (
    build_item_factors,
    build_item_features,
    build_item_neighbours,
    build_segment_popularity,
    build_user_histories,
)
from spark_jobs.recommender.features.vocabulary import FEATURE_NAMES
from spark_jobs.recommender.indexing import shared_index
from spark_jobs.recommender.ranking.examples import COLUMNS, example_maker
from spark_jobs.train.build_training_examples import labelled_users

TOLERANCE = 1e-4
"""Relative: sums of floats depend on which users a batch holds."""
EXAMPLES, KEY = "gold.training_examples", ["user_id", "item_id"]
SNAPSHOT_JOBS: tuple[Callable[[Night], None], ...] = (
    build_user_histories.run,
    build_item_features.run,
    build_item_neighbours.run,
    build_item_factors.run,
    build_segment_popularity.run,
)


class FutureSeenError(NightjarError):
    """Features change when later events are removed; the message names them."""


def check_leakage(night: Night) -> tuple[date, int]:
    """Replay the oldest cutoff that `night`'s date trained on: the cutoff, and how many pairs are equal.

    Raises FutureSeenError with every feature that differs, EmptyInputError without a training.
    """
    recorded = night.require_rows(EXAMPLES, "run a night that trains first")
    cutoff: date = recorded.agg(F.min("as_of")).collect()[0][0]
    recorded = recorded.where(F.col("as_of") == F.lit(cutoff))
    with tempfile.TemporaryDirectory(prefix="replay-", dir=night.settings.home) as folder:
        past = replace(night, settings=night.settings.model_copy(update={"home": Path(folder)}), run_date=cutoff)
        known = {"silver.interactions": "event_at", "silver.items": "valid_from"}
        for table, moment in known.items():
            past.replace(table, night.read(table).where(F.col(moment) < F.lit(past.as_of)))
        if night.lakehouse.exists("silver.users"):
            past.replace("silver.users", night.read("silver.users"))
        for run in SNAPSHOT_JOBS:
            run(past.for_job())
        index = shared_index(night.spark.sparkContext, past.stream, cutoff, night.domain.sources)
        windows, (test, *_) = training_dates(night)
        maker = example_maker({cutoff: index}, test)
        labelled = labelled_users(night, windows, [cutoff], test, histories_of(past, [cutoff]))
        # A large shop learns from a sample of its users.
        labelled = labelled.join(recorded.select("user_id").distinct(), "user_id", "left_semi")
        differing = differences(recorded, labelled.mapInArrow(maker, COLUMNS))
        index.destroy()
    equal = differing.pop("equal")
    if differing:
        named = ", ".join(f"{name} ({count:,} pairs)" for name, count in differing.items())
        raise FutureSeenError(
            f"Features of {cutoff} differ when events from {cutoff} on are removed, so they see the future: {named}. A "
            "model trained on them looks better than it is. Look for a source, feature or snapshot job that reads "
            "events without the limit of its snapshot (spark_jobs/recommender/arrays/histories.py)."
        )
    return cutoff, equal


def differences(recorded: DataFrame, replayed: DataFrame) -> dict[str, int]:
    """Pairs by the feature in which they differ; `candidates` that only one side has, and those that are `equal`."""
    ours = recorded.select(*KEY, F.struct(*FEATURE_NAMES).alias("ours"))
    theirs = replayed.select(*KEY, F.struct(*FEATURE_NAMES).alias("theirs"))
    both = F.col("ours").isNotNull() & F.col("theirs").isNotNull()
    same = {name: _same(F.col(f"ours.{name}"), F.col(f"theirs.{name}")) for name in FEATURE_NAMES}
    counted = (
        ours.join(theirs, KEY, "full")
        .agg(
            F.count_if(reduce(and_, same.values(), both)).alias("equal"),
            F.count_if(~both).alias("candidates"),
            *[F.count_if(both & ~equal).alias(name) for name, equal in same.items()],
        )
        .collect()[0]
    )
    return {name: count for name, count in counted.asDict().items() if count or name == "equal"}


def _same(ours: Column, theirs: Column) -> Column:
    close = F.abs(ours - theirs) <= F.lit(TOLERANCE) * F.greatest(F.abs(ours), F.lit(1e-3))
    return ours.eqNullSafe(theirs) | F.coalesce(close, F.lit(False))
