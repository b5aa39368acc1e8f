"""Releases of real nights: made again from what they were made of, and a baseline that serves where no ranker may."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import mlflow
import pytest
from deltalake import write_deltalake
from pyspark.sql import functions as F

from spark_jobs.lakehouse.night import Night
from spark_jobs.ledgers.decisions import latest_of_date, promotion_candidate
from spark_jobs.ledgers.model_metrics import latest_evaluation
from spark_jobs.ledgers.releases import LEDGER, SERVED, STAGED, champion, creation_of, published
from spark_jobs.operations.reproduce import NotReproducibleError, reproduce
from spark_jobs.publish.check_recommendations import run as check
from spark_jobs.publish.publish_recommendations import run as publish
from spark_jobs.publish.score_users import run as score
from spark_jobs.train.promote_ranker import run as promote


def first_release(shop: Night) -> str:
    return str(published(shop.lakehouse, 100)[-1]["release"])


def test_a_release_is_made_again_row_by_row(shop: Night) -> None:
    name = first_release(shop)
    assert reproduce(shop.for_job(), name) == published(shop.lakehouse, 100)[-1]["rows"] > 1_000


def test_lists_that_were_made_and_not_published_are_kept_by_the_next_try(copied: Night) -> None:
    settings = copied.settings.model_copy(update={"code_version": "kept"})
    night = Night(settings, copied.domain, copied.run_date, spark=copied.spark)

    def staged_by(night: Night) -> int:
        score(night.for_job())
        return night.lakehouse.version(STAGED)

    first = staged_by(night)

    assert staged_by(night) == first

    # Nothing is kept of another domain file, of other code, and of what was published.
    shorter = copied.domain.recommendations.model_copy(update={"per_user": 5})
    other = replace(night, domain=copied.domain.model_copy(update={"recommendations": shorter}))

    assert staged_by(other) == first + 1
    assert staged_by(night) == first + 2
    assert staged_by(replace(night, settings=copied.settings.model_copy(update={"code_version": "newer"}))) == first + 3
    assert staged_by(night) == first + 4

    check(night.for_job())
    publish(night.for_job())

    assert staged_by(night) == first + 5


def test_what_differs_or_is_gone_is_named(copied: Night) -> None:
    name = first_release(copied)
    history = copied.read("gold.recommendation_history").where(F.col("release") == name)
    changed = history.withColumn("title", F.when(F.col("rank") == 3, "Another").otherwise(F.col("title")))
    where = f"run_date = '{copied.run_date}' AND release = '{name}'"
    copied.replace("gold.recommendation_history", changed.localCheckpoint(), where=where)

    with pytest.raises(NotReproducibleError, match=r"comes out otherwise: \d+ rows differ, such as .*Another"):
        reproduce(copied.for_job(), name)

    made = creation_of(copied.lakehouse, name)

    assert made is not None

    version = dict(made["inputs"])["gold.item_factors"]
    files, _ = copied.lakehouse.files("gold.item_factors", version)
    Path(files[0].removeprefix("file://")).unlink()

    with pytest.raises(
        NotReproducibleError, match=rf"retention removed gold\.item_factors at version {version} \(1 of"
    ):
        reproduce(copied.for_job(), name)


def test_a_release_that_needs_earlier_code_says_which(copied: Night) -> None:
    name, table = first_release(copied), "gold.item_features"
    made = creation_of(copied.lakehouse, name)

    assert made is not None

    older = copied.rows(table).drop_columns("repeat_share")
    shutil.rmtree(copied.lakehouse.uri(table))
    for _ in range(dict(made["inputs"])[table] + 1):
        write_deltalake(copied.lakehouse.uri(table), older, mode="overwrite")

    with pytest.raises(NotReproducibleError, match=rf"{table} had no repeat_share then.*{made['code_version']}"):
        reproduce(copied.for_job(), name)


def test_the_best_source_serves_while_no_ranker_is_better(copied: Night) -> None:
    for name in (SERVED, LEDGER):
        shutil.rmtree(copied.lakehouse.uri(name))
    client = mlflow.MlflowClient(copied.settings.tracking_uri())
    client.delete_registered_model_alias("nightjar.retail", "champion")
    version = max(client.search_model_versions("name = 'nightjar.retail'"), key=lambda v: int(v.version))
    rows = latest_evaluation(copied.lakehouse, str(version.version))

    assert rows

    worse = [row | {"value": 0.01} if row["model"] == "ranker" else row for row in rows]
    copied.record("ops.model_metrics", [{k: v for k, v in row.items() if k != "recorded_at"} for row in worse])
    for job in (promote, score, check, publish):
        job(copied.for_job())
    decision = latest_of_date(copied.lakehouse, "promote", copied.run_date)

    assert decision is not None
    assert not decision.yes
    assert decision.reason.startswith("does not beat every baseline: NDCG@10 0.0100")

    served = champion(copied.lakehouse)

    assert served is not None
    assert served.startswith("source:")

    source = served.removeprefix("source:")
    lists = copied.read(SERVED)

    assert {row.model_version for row in lists.select("model_version").distinct().collect()} == {served}

    first = lists.where("rank = 1").select(F.array_contains("sources", source).alias("own")).collect()

    assert sum(row.own for row in first) > len(first) * 0.9

    tags = client.get_model_version("nightjar.retail", version.version).tags

    assert tags["promotion"].startswith("refused: does not beat every baseline")
    assert "champion" not in client.get_registered_model("nightjar.retail").aliases

    # With a better ranker that has to wait for a person it still serves.
    train = copied.domain.train.model_copy(update={"approval": "required"})
    asking = Night(
        copied.settings, copied.domain.model_copy(update={"train": train}), copied.run_date, spark=copied.spark
    )
    copied.record("ops.model_metrics", [{k: v for k, v in row.items() if k != "recorded_at"} for row in rows])
    promote(asking.for_job())
    unpublished = latest_of_date(copied.lakehouse, "promote", copied.run_date)

    assert unpublished is not None
    assert (unpublished.outcome, unpublished.reason.split(":")[0][:26]) == ("waits", "better than every baseline")

    tags = client.get_model_version("nightjar.retail", version.version).tags

    assert tags["promotion"].startswith("waits for a person: better than every baseline")
    assert str(client.get_registered_model("nightjar.retail").aliases["challenger"]) == str(version.version)
    candidate = promotion_candidate(copied.lakehouse, copied.run_date)

    assert candidate is not None
    assert candidate.model_version == served
    # The next evaluation has it among its sources anyway, and a later ranker that is better takes over.
    assert reproduce(copied.for_job(), published(copied.lakehouse, 1)[0]["release"]) == lists.count()
