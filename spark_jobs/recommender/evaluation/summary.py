"""From one row per user and evaluated model to the figures of an evaluation: means, intervals, differences, parts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.recommender.evaluation.evaluator import CHAMPION, FIRST_TIME, RANKER
from spark_jobs.recommender.evaluation.metrics import PER_USER, SLICED, TOP, bootstrap_intervals, gini

COLUMNS = (
    "model string, metric string, slice string, value double, low double, high double, users bigint, "
    "difference double, difference_low double, difference_high double"
)
CATEGORIES = 15
"""Categories that are reported, those with most relevant items."""
TENTHS = [tenth / 10 for tenth in range(1, 10)]


def summary(evaluated: DataFrame, users: DataFrame, items: DataFrame) -> list[dict[str, Any]]:
    """All figures, as rows of ops.model_metrics.

    `evaluated` are rows of gold.evaluation_users, `users` their `user_id` with the `relevant` items, and `items` are
    rows of gold.item_features at the same cutoff.
    """
    returning = evaluated.where(F.col("segment") != FIRST_TIME)
    frames = [
        by_model(evaluated),
        exposure(returning, items.where("eligible").count()),
        by_category(returning, users, items),
        calibration(returning),
    ]
    # In one query, whose parts run side by side.
    return list(reduce(DataFrame.unionByName, frames).toArrow().to_pylist())


def by_model(
    evaluated: DataFrame,
    reference: str = RANKER,
    metrics: Sequence[str] = PER_USER,
    sliced: Sequence[str] = SLICED,
) -> DataFrame:
    """Mean, interval and the reference's paired difference of every metric, of returning users and of each segment."""
    of_reference = evaluated.where(F.col("model") == reference)
    ours = of_reference.select("user_id", *[F.col(name).alias(f"reference_{name}") for name in metrics])
    theirs = evaluated.select("user_id", "model", "segment", *metrics)
    segment = F.concat(F.lit("users: "), "segment")
    slices = F.when(F.col("segment") == FIRST_TIME, F.array(segment)).otherwise(F.array(F.lit(None), segment))
    parts = theirs.withColumn("slice", F.explode(slices))

    def summarise(table: pa.Table) -> pa.Table:
        return _summarise(table, metrics, sliced)

    return parts.join(ours, "user_id").groupBy("model", "slice").applyInArrow(summarise, COLUMNS)


def _summarise(table: pa.Table, every: Sequence[str], sliced: Sequence[str]) -> pa.Table:
    table = table.sort_by("user_id")
    part = table["slice"][0].as_py()
    metrics = every if part is None else sliced
    values = np.column_stack([table[name].to_numpy() for name in metrics])
    paired = np.column_stack([table[f"reference_{name}"].to_numpy() for name in metrics]) - values
    low, high = bootstrap_intervals(np.hstack([values, paired]))
    rows = []
    for k, name in enumerate(metrics):
        known = ~np.isnan(values[:, k])
        # What no user says anything of has no figure; sources alone have a marginal recall, for example.
        if known.any():
            both = paired[~np.isnan(paired[:, k]), k]
            rows.append(
                {
                    "model": table["model"][0].as_py(),
                    "metric": name,
                    "slice": part,
                    "value": float(values[known, k].mean()),
                    "low": low[k],
                    "high": high[k],
                    "users": int(known.sum()),
                    "difference": float(both.mean()) if len(both) else None,
                    "difference_low": low[len(metrics) + k] if len(both) else None,
                    "difference_high": high[len(metrics) + k] if len(both) else None,
                }
            )
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


_SCHEMA = pa.schema(
    [
        (name, {"string": pa.string(), "double": pa.float64(), "bigint": pa.int64()}[kind])
        for name, kind in (column.split() for column in COLUMNS.split(", "))
    ]
)


def exposure(evaluated: DataFrame, eligible: int) -> DataFrame:
    """How much of the catalogue each model's lists reach, and how evenly."""
    shown = evaluated.select("model", F.explode(F.slice("top_items", 1, TOP)).alias("item_id"))
    counts = shown.groupBy("model", "item_id").count()

    def reached(table: pa.Table) -> pa.Table:
        times = np.zeros(max(eligible, table.num_rows))
        times[: table.num_rows] = table["count"].to_numpy()
        rows = [
            {"metric": "coverage_at_10", "value": float((times > 0).sum() / len(times))},
            {"metric": "gini_at_10", "value": gini(times)},
        ]
        named = [{"model": table["model"][0].as_py(), "users": int(times.sum() / TOP)} | row for row in rows]
        return pa.Table.from_pylist(named, schema=_SCHEMA)

    return counts.groupBy("model").applyInArrow(reached, COLUMNS)


def by_category(evaluated: DataFrame, users: DataFrame, items: DataFrame) -> DataFrame:
    """Recall@20 of the relevant items of each large category, of the rankers."""
    models = evaluated.where(F.col("model").isin(RANKER, CHAMPION)).select("user_id", "model", "top_items")
    taken = users.select("user_id", F.explode("relevant").alias("item_id"))
    of_category = taken.join(items.select("item_id", F.explode("categories").alias("category")), "item_id")
    large = of_category.groupBy("category").count().orderBy(F.desc("count"), "category").limit(CATEGORIES)
    pairs = of_category.join(F.broadcast(large.select("category")), "category").join(models, "user_id")
    hit = F.array_contains("top_items", F.col("item_id")).cast("double")
    return figures(pairs, F.concat(F.lit("category: "), "category"), "recall_at_20", hit, F.countDistinct("user_id"))


def calibration(evaluated: DataFrame) -> DataFrame:
    """The ranker's hits by place, and by tenths of its scores."""
    ranker = evaluated.where(F.col("model") == RANKER)
    zipped = F.posexplode(F.arrays_zip("hits", "scores"))
    places = ranker.select("model", zipped).select("model", "pos", "col.hits", "col.scores")
    bounds = places.select(F.percentile_approx("scores", TENTHS).alias("bounds"))
    tenth = F.size(F.filter("bounds", lambda bound: bound < F.col("scores"))) + 1
    hit, number = F.col("hits").cast("double"), F.count(F.lit(1))
    by_place = figures(places, F.format_string("place: %02d", F.col("pos") + 1), "hit_rate", hit, number)
    tenths = places.crossJoin(F.broadcast(bounds))
    return by_place.unionByName(figures(tenths, F.format_string("score tenth: %02d", tenth), "hit_rate", hit, number))


def figures(pairs: DataFrame, part: Column, metric: str, hit: Column, users: Column) -> DataFrame:
    """Means of `hit` by model and part, as rows of a summary without intervals."""
    means = pairs.groupBy("model", part.alias("slice")).agg(F.avg(hit).alias("value"), users.alias("users"))
    missing = [F.lit(None).cast("double").alias(name) for name in ("low", "high", "difference")]
    ends = [F.lit(None).cast("double").alias(f"difference_{end}") for end in ("low", "high")]
    ordered = ["model", "metric", "slice", "value", "low", "high", "users", "difference"]
    return means.select("*", F.lit(metric).alias("metric"), *missing, *ends).select(
        *ordered, "difference_low", "difference_high"
    )
