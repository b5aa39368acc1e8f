"""Score every user with the champion into the staging table.

Reads tonight's snapshot tables, writes gold.recommendations_staged, the release_row of their release to ops.releases,
and ops.list_rules where there are rules.
Candidates, features, scores, rules and reasons of a user are computed inside one vectorised Arrow function; nothing of
size users × items is ever written.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.contracts.code_version import is_reproducible
from spark_jobs.contracts.job_catalog import SNAPSHOTS
from spark_jobs.contracts.serving import source_of
from spark_jobs.lakehouse.night import Night
from spark_jobs.ledgers import decisions, list_rules, model_metrics, releases
from spark_jobs.ledgers.decisions import Decision, Kind, Outcome, baseline_serves, latest, promotion_candidate
from spark_jobs.ledgers.list_rules import ListRuleEffect
from spark_jobs.ledgers.releases import SCORED, STAGED, champion, champion_known_at, unpublished
from spark_jobs.planning.snapshots import require_snapshots, users_as_of
from spark_jobs.recommender.arrays.batches import shared_out
from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex
from spark_jobs.recommender.arrays.sharing import share
from spark_jobs.recommender.evaluation.promotion import decide_promotion
from spark_jobs.recommender.indexing import index_as_of
from spark_jobs.recommender.memory import LESS_SCORING, require_memory
from spark_jobs.recommender.ranking.exposure import TOP, Exposure
from spark_jobs.recommender.ranking.exposure_search import exposure_of
from spark_jobs.recommender.ranking.lists import COLUMNS, list_maker
from spark_jobs.recommender.ranking.ranker import FeatureMismatchError, source_model, to_bytes
from spark_jobs.recommender.ranking.shaping import items_of, shape_of, without_blocked
from spark_jobs.recommender.sources import sources_on, starting_source
from spark_jobs.registry.model_registry import ModelNotFoundError, ModelRegistry

log = logging.getLogger("nightjar")


def run(night: Night) -> None:
    """Make tonight's lists."""
    registry = ModelRegistry(night.settings, night.domain)
    registry.follow(champion(night.lakehouse))
    model = tonights_model(night, registry)
    require_snapshots(night, [night.run_date])
    if left_staged(night, model.version):
        log.info("the lists that an earlier try scored and did not publish are kept")
        return
    release = f"{night.domain.domain}-{night.run_date}-{secrets.token_hex(3)}"
    with tonights_lists(night, model) as scored:
        named = {"run_date": F.lit(night.run_date), "release": F.lit(release), "model_version": F.lit(model.version)}
        night.replace(STAGED, scored.lists.withColumns(named))
    record_exposure(night, scored.exposure)
    record_rules(night, scored.index)
    releases.record(night, release_row(night, release, model.version))


@dataclass(frozen=True)
class ScoredLists:
    """Lists, yet to be computed, and what they rest on."""

    lists: DataFrame
    exposure: Exposure
    index: RetrievalIndex


@contextmanager
def tonights_lists(night: Night, serving: ServingModel) -> Iterator[ScoredLists]:
    """The lists of every user by the model; what workers need for them is there until the end of the block."""
    context, rules = night.spark.sparkContext, night.domain.rules
    histories = users_as_of(night, night.run_date)
    catalogue = index_as_of(partial(night.stream, as_of=night.run_date), night.domain.sources)
    if str(context.master).startswith("local"):
        workers = context.defaultParallelism
        what = f"Scoring with {catalogue.items:,} items in {workers} workers"
        require_memory(catalogue.shared_bytes + workers * catalogue.worker_bytes, what, LESS_SCORING)
    index = share(context, without_blocked(rules, catalogue, night.run_date))
    del catalogue
    model = context.broadcast(serving.content)
    balance = exposure_of(histories, index, model, night.domain.recommendations)
    exposure = context.broadcast(balance)
    per_user = night.domain.recommendations.per_user
    shape = context.broadcast(shape_of(rules, per_user, index.value, night.run_date))
    try:
        lists = shared_out(histories).mapInArrow(list_maker(index, model, exposure, shape), COLUMNS)
        yield ScoredLists(lists, balance, index.value)
    finally:
        for shared in (index, model, exposure, shape):
            shared.destroy()


def release_row(night: Night, release: str, version: str) -> dict[str, object]:
    """The ledger's row of a release whose lists have been made: what they were made of."""
    return {
        "release": release,
        "kind": SCORED,
        "model_version": version,
        "inputs": {name: night.versions_read[name] for name in SNAPSHOTS if name in night.versions_read},
        "domain_digest": night.domain.digest,
        "domain_file": night.domain.model_dump_json(),
        "code_version": night.code_version,
        "users": 0,
        "rows": night.lakehouse.count(STAGED),
        "serving": False,
    }


def left_staged(night: Night, version: str) -> bool:
    """Whether the same lists are staged and not published: a stage that is tried again need not make them again."""
    creation = unpublished(night.lakehouse) if is_reproducible(night.settings) else None
    same = {"model_version": version, "run_date": night.run_date, "domain_file": night.domain.model_dump_json()}
    same["code_version"] = night.code_version
    if creation is None or any(creation[name] != value for name, value in same.items()):
        return False
    read = dict(creation["inputs"])
    return {table: night.lakehouse.exists(table) and night.read_version(table) for table in read} == read


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
    staged = night.read(STAGED).groupBy("item_id").count().collect()
    rows = {row["item_id"]: row["count"] for row in staged}
    effects = []
    for kind, rule, detail in holding:
        items = index.item_ids.take(pa.array(items_of(rule, index))).to_pylist()
        about = f"item {rule.item}" if rule.item is not None else f"category {rule.category}"
        if not items:
            log.warning("rules.%s: the catalogue has no %s", kind, about)
        listed = sum(rows.get(item, 0) for item in items)
        effects.append(ListRuleEffect(kind, about + detail, rule.reason, len(items), listed))
    list_rules.record(night, effects)


def record_exposure(night: Night, exposure: Exposure) -> None:
    """How exposure is balanced tonight, where the domain wants it."""
    wanted = night.domain.recommendations.coverage
    if wanted is None:
        return
    reason = (
        f"strength {exposure.strength:.3g} behind place {exposure.kept}: the first {TOP} places reach "
        f"{exposure.coverage:.1%} of the {exposure.offered:,} items that they could show, {wanted:.1%} are wanted; by"
        f" the lists of {exposure.sampled:,} users"
    )
    outcome = Outcome.YES if exposure.strength else Outcome.NO
    decisions.record(night, Decision(Kind.DIVERSIFY, outcome, reason))


@dataclass(frozen=True)
class ServingModel:
    """What scores tonight: its version, and what workers need of it."""

    version: str
    content: bytes


def tonights_model(night: Night, registry: ModelRegistry) -> ServingModel:
    """The model that tonight promoted, else the champion, else the best source: there is always a list.

    Where a model can't be loaded, or none was ever chosen, that a source serves is decided here, once.
    """
    lakehouse, run_date = night.lakehouse, night.run_date
    candidate = promotion_candidate(lakehouse, run_date)
    serving = (champion(lakehouse, until=run_date), champion_known_at(lakehouse, until=run_date))
    chosen = [(candidate.model_version, candidate.recorded_at), serving] if candidate else [serving]
    reasons = []
    for version, known_at in chosen:
        if version is None:
            continue
        if source := source_of(version):
            return ServingModel(version, source_model(source))
        try:
            return ServingModel(version, to_bytes(registry.load(version, known_at)))
        except (ModelNotFoundError, FeatureMismatchError) as error:
            reasons.append(str(error))
    reason = "; ".join(reasons) or "no ranker was trained yet"
    source = best_source(night)
    decision = baseline_serves(source, reason)
    decisions.record(night, decision)
    log.warning("%s serves, for want of a ranker: %s", decision.model_version, reason)
    return ServingModel(str(decision.model_version), source_model(source))


def best_source(night: Night) -> str:
    """The source of those that are on that was best when a ranker was last measured, else the one to start with."""
    latest_training = latest(night.lakehouse, Kind.PROMOTE, until=night.run_date)
    version = latest_training.model_version if latest_training else None
    rows = model_metrics.latest_evaluation(night.lakehouse, version) if version else []
    best = decide_promotion(rows).best_source
    return best if best in sources_on(night.domain.sources) else starting_source(night.domain.sources)
