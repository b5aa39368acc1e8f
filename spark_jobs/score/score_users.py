"""Score every user with the champion into the staging table.

Reads tonight's snapshot tables, writes gold.recommendations_staged, and ops.list_rules where there are rules.
Candidates, features, scores, rules and reasons of a user are computed inside one vectorised Arrow function; nothing of
size users × items is ever written.
"""

from __future__ import annotations

import logging
from functools import partial

import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.lakehouse.decisions import champion
from spark_jobs.lakehouse.night import Night
from spark_jobs.recommender.indexing import index_as_of
from spark_jobs.recommender.ranking.balancing import exposure_of
from spark_jobs.recommender.ranking.exposure import TOP, Exposure
from spark_jobs.recommender.ranking.lists import COLUMNS, list_maker
from spark_jobs.recommender.ranking.ranker import to_bytes
from spark_jobs.recommender.ranking.shaping import items_of, shape_of, without_blocked
from spark_jobs.recommender.snapshots.retrieval_index import RetrievalIndex
from spark_jobs.registry.model_registry import ModelNotFoundError, ModelRegistry

log = logging.getLogger("nightjar")


class SnapshotGoneError(RuntimeError):
    """Tonight's snapshot is not there; the message says why that can be."""


def run(night: Night) -> None:
    """Make tonight's lists."""
    registry, version = ModelRegistry(night.settings, night.domain), require_champion(night)
    registry.point_champion(champion(night.lakehouse))
    histories = night.read("gold.user_histories").where(F.col("as_of") == F.lit(night.run_date))
    if str(night.run_date) not in night.lakehouse.partition_values("gold.user_histories", "as_of"):
        raise SnapshotGoneError(
            f"gold.user_histories holds no snapshot of {night.run_date}: another night of {night.domain.domain}"
            " replaced it, or the snapshot stage did not run."
            " Run this night again from its start, while no other one runs."
        )
    context = night.spark.sparkContext
    rules, catalogue = night.domain.rules, index_as_of(partial(night.rows, as_of=night.run_date), night.domain.sources)
    index = context.broadcast(without_blocked(rules, catalogue, night.run_date))
    per_user = night.domain.recommendations.per_user
    shape = context.broadcast(shape_of(rules, per_user, index.value, night.run_date))
    model = context.broadcast(to_bytes(registry.load(version)))
    exposure = context.broadcast(tonights_exposure(night, histories, index, model))
    lists = histories.mapInArrow(list_maker(index, model, exposure, shape), COLUMNS)
    night.replace(
        "gold.recommendations_staged",
        lists.withColumns(
            {
                "run_date": F.lit(night.run_date),
                "release": F.lit(f"{night.domain.domain}-{night.run_date}-m{version}"),
                "model_version": F.lit(version),
            }
        ),
    )
    record_rules(night, index.value)
    for shared in (index, model, exposure, shape):
        shared.destroy()


def record_rules(night: Night, index: RetrievalIndex) -> None:
    """A row in ops.list_rules for every block, pin and boost that holds tonight."""
    rules = night.domain.rules
    holding = [
        (kind, rule, detail)
        for kind, listed in (
            ("block", [(rule, "") for rule in rules.block]),
            ("pin", [(rule, f" at place {rule.place}") for rule in rules.pin]),
            ("boost", [(rule, f" by {rule.by:+g}") for rule in rules.boost]),
        )
        for rule, detail in listed
        if rule.holds(night.run_date)
    ]
    if not holding:
        return
    staged = night.read("gold.recommendations_staged").groupBy("item_id").count().collect()
    rows = {row["item_id"]: row["count"] for row in staged}
    recorded = []
    for kind, rule, detail in holding:
        items = index.item_ids.take(pa.array(items_of(rule, index))).to_pylist()
        about = f"item {rule.item}" if rule.item is not None else f"category {rule.category}"
        if not items:
            log.warning("rules.%s: the catalogue has no %s", kind, about)
        told = {"rule": kind, "about": about + detail, "reason": rule.reason}
        recorded.append(told | {"items": len(items), "rows": sum(rows.get(item, 0) for item in items)})
    night.record("ops.list_rules", recorded)


def tonights_exposure(
    night: Night, histories: DataFrame, index: Broadcast[RetrievalIndex], model: Broadcast[bytes]
) -> Exposure:
    """How exposure is balanced tonight, found on a sample of users and recorded."""
    wanted = night.domain.recommendations.coverage
    found = exposure_of(histories, index, model, wanted)
    if wanted is None:
        return found
    reason = (
        f"strength {found.strength:.3g}: the first {TOP} places of {found.sampled:,} sampled users reach "
        f"{found.coverage:.1%} of the eligible items, {wanted:.1%} are wanted"
    )
    outcome = "yes" if found.strength else "no"
    night.record("ops.decisions", [{"decision": "balance_exposure", "outcome": outcome, "reason": reason}])
    return found


def require_champion(night: Night) -> str:
    """The champion as of tonight; raises ModelNotFoundError where no night up to this one promoted a model."""
    version = champion(night.lakehouse, until=night.run_date)
    if version is None:
        raise ModelNotFoundError(
            f"No champion for {night.domain.domain} up to {night.run_date}: run the night with --force-training."
        )
    return version
