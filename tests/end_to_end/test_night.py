"""A whole night: published lists keep the rules, reruns change nothing, the future does not leak."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import mlflow
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.job_catalog import JOBS, STAGES, Stage
from spark_jobs.contracts.tables import TABLES
from spark_jobs.lakehouse import night as night_module
from spark_jobs.lakehouse.night import Night
from spark_jobs.ledgers.decisions import latest_of_date
from spark_jobs.ledgers.releases import champion, published
from spark_jobs.operations.leakage_check import FutureSeenError, check_leakage
from spark_jobs.planning.snapshots import SnapshotGoneError
from spark_jobs.prepare import build_user_histories, ingest_landing_files
from spark_jobs.prepare.decide_training import run as decide
from spark_jobs.publish.check_recommendations import ListCheckError
from spark_jobs.publish.check_recommendations import run as check
from spark_jobs.publish.score_users import run as score
from spark_jobs.recommender.arrays.histories import histories_as_of
from spark_jobs.runner.run import JobFailedError, run_night, run_stage
from spark_jobs.train import build_training_examples
from tests.nights import content, prepare

SNAPSHOTS = (
    *("gold.user_histories", "gold.item_features", "gold.item_neighbours", "gold.item_factors"),
    "gold.segment_popularity",
)
SERVED = ("gold.recommendations", "gold.recommendation_history")


def test_every_user_has_a_list_of_available_items_not_bought_lately(shop: Night) -> None:
    lists = shop.read("gold.recommendations")
    known = shop.read("silver.users").select("user_id").union(shop.read("silver.interactions").select("user_id"))

    assert lists.select("user_id").distinct().count() >= known.distinct().count() * 0.99
    assert lists.groupBy("user_id").count().agg(F.min("count")).collect()[0][0] == 20

    truth = pq.read_table(shop.settings.landing / "retail" / "_truth" / "items.parquet").to_pylist()
    day = (shop.run_date - shop.domain.start_of(shop.run_date).date().replace(month=1, day=1)).days
    sold = {item["ids"] for item in truth if item["launch_day"] < day and item["withdrawal_day"] > day}

    assert {row.item_id for row in lists.select("item_id").distinct().collect()} <= sold

    bought = shop.read("silver.interactions").where(
        (F.col("event_type") == "purchase")
        & (F.col("event_at") < F.lit(shop.as_of))
        & (F.col("event_at") > F.lit(shop.as_of - timedelta(days=14)))
    )

    assert lists.join(bought, ["user_id", "item_id"], "left_semi").count() == 0


def test_the_balance_equals_what_the_simulator_planted(shop: Night) -> None:
    daily = pq.read_table(shop.settings.landing / "retail" / "_truth" / "daily.parquet").to_pylist()
    planted = {kind: sum(row["count"] for row in daily if row["kind"] == kind) for kind in ("duplicates", "malformed")}
    balance = shop.read("ops.batches").where(F.col("table") == "interactions").collect()[0]

    assert balance.duplicates == planted["duplicates"]
    assert balance.quarantined == planted["malformed"]
    assert balance.received == balance.kept + balance.quarantined + balance.duplicates


def test_repurchases_are_found_by_the_users_own_history(shop: Night) -> None:
    recall = {
        row.model: row.value
        for row in shop.read("ops.model_metrics").where("metric = 'recall_at_20' AND slice IS NULL").collect()
    }

    assert recall["own_history"] > recall["popularity"]
    assert recall["ranker"] > recall["popularity"]


def test_the_ledger_holds_every_job_with_the_versions_it_read(shop: Night) -> None:
    runs = {row.job: row for row in shop.read("ops.runs").collect()}

    assert set(runs) == set(JOBS)
    assert {row.status for row in runs.values()} == {"succeeded"}
    assert set(runs["score_users"].inputs) >= set(SNAPSHOTS)
    assert set(runs["score_users"].outputs) == {"gold.recommendations_staged", "ops.decisions", "ops.releases"}

    costs = {row.job: row for row in shop.read("ops.job_costs").collect()}

    assert set(costs) == set(JOBS)
    assert costs["build_user_histories"].rows == shop.read("gold.user_histories").count()
    assert all(row.seconds >= row.gate_seconds >= 0 for row in costs.values())
    assert costs["score_users"].spark_jobs > 0
    assert costs["score_users"].python_seconds > 0


NOT_YET = {"ops.batches", "gold.recommendations", "ops.releases", "ops.quality_results"}
"""What jobs of a first night can't read, since later jobs or nights write it."""
IN_NEED = {
    "score_users": {"ops.model_metrics"},
    "clean_items": {"bronze.interactions"},
    "decide_training": {"ops.drift"},
    "measure_outcomes": {"silver.items", "gold.recommendation_history"},
}
"""What a job reads only where no ranker serves, the catalogue is derived, drift decides, or windows are over."""


def test_jobs_read_and_write_what_the_catalogue_says(shop: Night) -> None:
    for run in shop.read("ops.runs").where(F.col("run_date") == F.lit(shop.run_date)).collect():
        job = JOBS[run.job]
        # A job may look at what it wrote before.
        assert set(run.inputs) <= {*job.inputs, *job.outputs}, run.job
        assert set(run.outputs) <= set(job.outputs), run.job
        # Rules of lists and quarantine have rows only where there is something to say.
        assert set(job.inputs) - set(run.inputs) <= NOT_YET | IN_NEED.get(run.job, set()), run.job
        unused = set(job.outputs) - set(run.outputs)
        assert unused <= {"ops.list_rules", "ops.quality_results", "ops.outcomes"} or "quarantine" in str(unused), (
            run.job
        )


def test_gates_left_results_and_pages(shop: Night) -> None:
    results = shop.read("ops.quality_results")
    gated = {table for job in JOBS.values() for table in job.gates}

    assert {row.table for row in results.select("table").distinct().collect()} == gated
    assert results.where("version IS NULL OR suite IS NULL").select("expectation").distinct().count() == 7, (
        "rules and freshness"
    )
    assert results.where("severity = 'critical' AND NOT success").count() == 0

    pages = shop.settings.home / "data_docs" / "retail"

    assert {page.stem for page in (pages / str(shop.run_date)).glob("*.html")} == gated
    assert "gold.recommendations_staged.html" in (pages / "index.html").read_text()


def test_the_model_is_registered_with_what_made_it(shop: Night) -> None:
    mlflow.set_tracking_uri(shop.settings.tracking_uri())
    client = mlflow.MlflowClient()
    version = client.get_model_version_by_alias("nightjar.retail", "champion")

    assert version.tags["run_date"] == str(shop.run_date)

    run = client.get_run(version.run_id)

    assert {"ndcg_at_10", "recall_at_20", "popularity_ndcg_at_10"} <= set(run.data.metrics)
    assert run.data.params["objective"] == "rank:ndcg"

    names = {dataset.dataset.name.split("@")[0] for dataset in run.inputs.dataset_inputs}

    assert names == {"gold.training_examples"}

    logged = {artifact.path for artifact in client.list_artifacts(version.run_id, "evaluation")}

    assert "evaluation/report.html" in logged
    assert run.data.metrics["onnx_max_difference"] <= 1e-5
    assert run.data.metrics["onnx_same_top_10"] >= 0.9999
    assert run.data.metrics["onnx_rows"] > 1_000
    assert version.tags["promotion"].startswith("promoted: better than every baseline: NDCG@10")
    assert version.description.startswith(f"# retail, version {version.version}\n")

    for words in ("**promoted: ", "gold.training_examples@v", "| ranker | 0.", "users: light", "`own_history_rank`"):
        assert words in version.description

    assert "model_card.md" in {artifact.path for artifact in client.list_artifacts(version.run_id)}
    assert version.tags["onnx_opset"] == "ai.onnx.ml 1"

    release = published(shop.lakehouse, 1)[0]

    assert release["model_version"] == str(version.version)
    assert release["serving"]
    assert set(dict(release["inputs"])) == {*SNAPSHOTS, "silver.users"}


def test_the_alias_follows_the_decision(shop: Night) -> None:
    """What a kill between the two writes leaves: the decision is there, the alias is not."""
    client = mlflow.MlflowClient(shop.settings.tracking_uri())
    client.delete_registered_model_alias("nightjar.retail", "champion")
    score(shop.for_job())
    version = client.get_model_version_by_alias("nightjar.retail", "champion")

    assert str(version.version) == champion(shop.lakehouse)


def test_published_tables_keep_their_contract(shop: Night) -> None:
    for name in SERVED:
        detail = shop.spark.sql(f"DESCRIBE DETAIL delta.`{shop.lakehouse.uri(name)}`").collect()[0]
        assert (detail.minReaderVersion, detail.minWriterVersion) == (1, 2)
        assert detail.properties["delta.enableDeletionVectors"] == "false"
        fields = shop.read(name).schema.fields
        assert [(f.name, f.dataType.simpleString()) for f in fields] == [(c.name, c.type) for c in TABLES[name].columns]


@pytest.mark.parametrize("fault", ["blocked", "unavailable", "missing user"])
def test_a_list_that_breaks_a_rule_is_not_published(shop: Night, fault: str) -> None:
    staged = shop.read("gold.recommendations_staged")
    first = staged.orderBy("user_id", "rank").first()

    assert first is not None

    night = Night(shop.settings, shop.domain, shop.run_date, spark=shop.spark)
    histories = shop.read("gold.user_histories")
    if fault == "blocked":
        added = F.when(F.col("user_id") == first.user_id, F.array(F.lit(first.item_id))).otherwise(
            F.col("blocked_item_ids")
        )
        changed, table = histories.withColumn("blocked_item_ids", added), "gold.user_histories"
    elif fault == "unavailable":
        features = shop.read("gold.item_features")
        gone = F.when(F.col("item_id") == first.item_id, F.lit(False)).otherwise(F.col("eligible"))
        changed, table = features.withColumn("eligible", gone), "gold.item_features"
    else:
        changed, table = staged.where(F.col("user_id") != first.user_id), "gold.recommendations_staged"
    version = night.lakehouse.version(table)
    try:
        night.replace(table, changed.localCheckpoint())
        with pytest.raises(ListCheckError, match="nothing was published"):
            check(night)
    finally:
        night.replace(
            table, night.spark.read.format("delta").option("versionAsOf", version).load(night.lakehouse.uri(table))
        )
    check(night)


RULES = {
    "block": [{"category": "Tea", "reason": "recalled"}],
    "pin": [{"item": "ITEM", "place": 2, "reason": "campaign"}],
    "boost": [{"category": "Books", "by": 2.0, "reason": "the fair"}],
    "max_per_category": 4,
}


def test_rules_of_people_hold_are_recorded_and_checked(shop: Night) -> None:
    staged = shop.read("gold.recommendations_staged")
    categories = shop.read("gold.item_features").select("item_id", "categories").distinct()
    listed = staged.join(categories, "item_id").orderBy(F.desc("rank"))
    # An item that most people have not bought lately, and that nothing blocks.
    item = listed.where("NOT array_contains(categories, 'Tea')").groupBy("item_id").count().orderBy("count").first()

    assert item is not None

    rules = json.loads(json.dumps(RULES).replace("ITEM", item.item_id))
    domain = Domain.model_validate(shop.domain.model_dump() | {"rules": shop.domain.rules.model_dump() | rules})
    night = Night(shop.settings, domain, shop.run_date, spark=shop.spark)

    with pytest.raises(ListCheckError, match=r"blocks: \d+ rows.*at place 2: \d+ rows.*at most 4 items of a category"):
        check(night.for_job())

    try:
        score(night.for_job())
        check(night.for_job())
        again = shop.read("gold.recommendations_staged").where("rank = 2").groupBy("item_id").count().collect()
        assert max(again, key=lambda row: row["count"]).item_id == item.item_id
        recorded = {row.rule: row for row in shop.read("ops.list_rules").collect()}
        assert recorded["block"].about == "category Tea"
        assert recorded["block"].rows == 0 < recorded["block"].items
        assert recorded["pin"].about == f"item {item.item_id} at place 2"
        assert recorded["pin"].rows > 100
        assert recorded["boost"].reason == "the fair"
    finally:
        score(shop.for_job())
    check(shop.for_job())


def test_a_rerun_gives_identical_tables(shop: Night) -> None:
    tables = [
        *SNAPSHOTS,
        "silver.interactions",
        "silver.items",
        "gold.training_examples",
        "gold.evaluation_users",
        SERVED[0],
    ]
    before = {table: content(shop, table, "model_version", "release") for table in tables}
    # Of code that can't be told from other code nothing is kept: everything is made again, the model too.
    settings = shop.settings.model_copy(update={"code_version": "tested-dirty"})
    run_night(Night(settings, shop.domain, shop.run_date, spark=shop.spark))
    for table in tables:
        assert content(shop, table, "model_version", "release") == before[table], table


def test_what_happens_later_changes_nothing(shop: Night, same_shop: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same run date with and without the days after it: no feature, label or list may differ.

    Nor may they differ because Spark writes all tables, as it does in a large shop.
    """
    events = shop.lakehouse.count("bronze.interactions")

    assert 0 < events <= night_module.SMALL_LOG

    monkeypatch.setattr(ingest_landing_files, "SMALL_DELIVERY", 0)
    monkeypatch.setattr(night_module, "SMALL_LOG", 0)
    monkeypatch.setattr(night_module, "EVENTS_PER_PARTITION", events // 5)
    for file in (same_shop.settings.landing / "retail").glob("*/*"):
        day = file.stem.split("-", 1)[1] if "_truth" not in str(file) else ""
        # A day's late events come with the next day's file, so the file of the run date itself stays.
        if day > str(same_shop.run_date):
            file.unlink()
    run_night(same_shop)
    # The users' file has no times: who registers later is known to a night that runs later, without a history.
    everyone, earlier = (night.read("silver.users").select("user_id").collect() for night in (shop, same_shop))
    later = {row.user_id for row in everyone} - {row.user_id for row in earlier}

    def known(night: Night, table: str, *without: str) -> list[str]:
        return [row for row in content(night, table, *without) if not any(user in row for user in later)]

    for table in (*SNAPSHOTS, "gold.training_examples"):
        assert content(same_shop, table) == known(shop, table), table
    ours = content(same_shop, "gold.recommendations", "release", "model_version")

    assert ours == known(shop, "gold.recommendations", "release", "model_version")


def test_a_later_night_reuses_the_champion_and_replaces_what_is_served(shop: Night) -> None:
    later = Night(shop.settings, shop.domain, shop.run_date + timedelta(days=1), spark=shop.spark)
    run_night(later)
    decision = later.read("ops.decisions").where(
        (F.col("run_date") == F.lit(later.run_date)) & (F.col("decision") == "train")
    )

    assert decision.collect()[0].outcome == "no"

    skipped = later.read("ops.runs").where(
        (F.col("run_date") == F.lit(later.run_date)) & (F.col("status") == "skipped")
    )

    assert {row.stage for row in skipped.collect()} == {"train"}
    assert {str(r.run_date) for r in later.read(SERVED[0]).select("run_date").distinct().collect()} == {
        str(later.run_date)
    }
    assert later.read(SERVED[1]).select("run_date").distinct().count() == 2


def test_the_same_night_again_does_nothing_twice(shop: Night) -> None:
    """Nothing came: no batch is cleaned, no snapshot described and no gate run again; the lists are the same."""
    settings = shop.settings.model_copy(update={"code_version": "kept"})
    nights = [Night(settings, shop.domain, shop.run_date + timedelta(days=1), spark=shop.spark) for _ in range(2)]
    run_night(nights[0])
    untouched = ("bronze.interactions", "silver.interactions", "silver.items", *SNAPSHOTS)
    versions = {table: shop.lakehouse.version(table) for table in untouched}
    checks, before = len(content(shop, "ops.quality_results")), content(shop, SERVED[0], "release")
    run_night(nights[1])

    assert {table: shop.lakehouse.version(table) for table in untouched} == versions

    again = shop.read("ops.quality_results").orderBy("recorded_at").collect()[checks:]

    assert {row.table for row in again if row.suite} == {"gold.recommendations_staged"}
    assert content(shop, SERVED[0], "release") == before


def test_a_champion_whose_sources_are_switched_off_is_trained_anew(shop: Night) -> None:
    before = shop.lakehouse.version("ops.decisions")
    later = Night(shop.settings, shop.domain, shop.run_date + timedelta(days=2), spark=shop.spark)
    for sources, outcome, reason in (
        ({}, "no", "the latest training is 2 days old; it is due after 7"),
        ({"past_to_future": 0}, "no", "the latest training is 2 days old; it is due after 7"),
        ({"als": 0, "ease": 0}, "yes", "the latest ranker learnt from sources that are off now: als, ease"),
    ):
        domain = shop.domain.model_copy(update={"sources": sources})
        decide(replace(later, domain=domain).for_job())
        decision = latest_of_date(later.lakehouse, "train", later.run_date)
        assert decision is not None
        assert (decision.outcome, decision.reason) == (outcome, reason)
    DeltaTable(later.lakehouse.uri("ops.decisions")).restore(before)


def test_a_champion_whose_features_are_gone_is_trained_anew(shop: Night) -> None:
    later = Night(shop.settings, shop.domain, shop.run_date + timedelta(days=2), spark=shop.spark)
    reason = {"decision": "promote", "outcome": "yes", "reason": "planted", "model_version": "1"}
    before = later.lakehouse.version("ops.decisions")
    Night(shop.settings, shop.domain, shop.run_date, spark=shop.spark).record(
        "ops.decisions", [reason | {"features": ["user_events", "phase_of_the_moon"]}]
    )
    decide(later.for_job())
    decision = latest_of_date(later.lakehouse, "train", later.run_date)

    assert decision is not None
    assert decision.yes
    assert decision.reason == "the champion needs features that this code does not make: phase_of_the_moon"

    DeltaTable(later.lakehouse.uri("ops.decisions")).restore(before)


def test_last_weeks_model_serves_where_training_fails(shop: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU is demanded that is not there: the night publishes with the champion, and is a failed one."""
    settings = shop.settings.model_copy(update={"device": "cuda"})
    monkeypatch.setattr("xgboost.build_info", lambda: {"USE_CUDA": False})
    later = Night(settings, shop.domain, shop.run_date + timedelta(days=2), force_training=True, spark=shop.spark)
    serving = champion(shop.lakehouse, until=shop.run_date)

    with pytest.raises(JobFailedError, match="train/train_ranker: NIGHTJAR_DEVICE is cuda"):
        run_night(later)

    rows = later.read(SERVED[0]).select("run_date", "model_version").distinct().collect()

    assert [(row.run_date, row.model_version) for row in rows] == [(later.run_date, serving)]

    runs = later.read("ops.runs").where(F.col("run_date") == F.lit(later.run_date)).collect()

    assert {row.job for row in runs if row.status == "failed"} == {"train_ranker"}


@pytest.mark.parametrize("job", [score, build_training_examples.run])
def test_what_another_night_described_is_refused(shop: Night, job: Callable[[Night], None]) -> None:
    """As where a stage alone is run again after a later night: it has snapshots of other dates."""
    other = Night(shop.settings, shop.domain, shop.run_date + timedelta(days=3), spark=shop.spark)
    before = shop.lakehouse.version("gold.training_examples")

    with pytest.raises(SnapshotGoneError, match=f"no snapshot of .*{other.run_date}: .* while no other one runs"):
        job(other)
    assert shop.lakehouse.version("gold.training_examples") == before


def test_suites_are_readable_json(shop: Night) -> None:
    for path in shop.settings.expectations_dir.glob("*.json"):
        assert json.loads(path.read_text())["name"] == path.stem


def test_features_are_the_same_without_later_events(shop: Night) -> None:
    cutoff, pairs = check_leakage(shop.for_job())
    assert pairs == shop.read("gold.training_examples").where(F.col("as_of") == F.lit(cutoff)).count() > 100


@pytest.mark.long
def test_a_planted_leak_is_found_and_named(same_shop: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_late(events: DataFrame, domain: Domain, days: list[date]) -> DataFrame:
        later = histories_as_of(events, domain, [day + timedelta(days=3) for day in days if day < same_shop.run_date])
        tonight = histories_as_of(events, domain, [same_shop.run_date])
        return later.withColumn("as_of", F.date_sub("as_of", 3)).unionByName(tonight)

    monkeypatch.setattr(build_user_histories, "histories_as_of", too_late)
    prepare(same_shop)
    run_stage(same_shop, Stage("train", "", STAGES["train"].jobs[:1]))
    monkeypatch.undo()

    with pytest.raises(FutureSeenError, match=r"see the future: .*item_popularity_30d \([\d,]+ pairs\)"):
        check_leakage(same_shop.for_job())


@pytest.mark.long
def test_a_large_shop_learns_from_a_sample_of_its_users(same_shop: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a shop with more users than training needs does, and what that leaves of the check for leaks."""

    def users() -> set[tuple]:
        build_training_examples.run(same_shop.for_job())
        return set(same_shop.read("gold.training_examples").select("as_of", "user_id").distinct().collect())

    prepare(same_shop)
    everybody = users()
    monkeypatch.setattr(build_training_examples, "MOST_USERS", len(everybody) // 2)
    sample = users()

    assert sample < everybody
    assert 0.3 < len(sample) / len(everybody) < 0.7
    assert {as_of for as_of, _ in sample} == {as_of for as_of, _ in everybody}
    assert users() == sample

    _, equal = check_leakage(same_shop.for_job())

    assert equal > 0
