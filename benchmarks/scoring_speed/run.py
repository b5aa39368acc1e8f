"""How fast every user is scored: the whole two-stage job against single-stage peers, and where its time goes.

    .venv/bin/nightjar simulate --first-day 2026-06-01 --days 100 --users 20000 --items 50000
    .venv/bin/nightjar night --domain retail --run-date 2026-09-08
    .venv/bin/python benchmarks/scoring_speed/run.py --domain retail --run-date 2026-09-08

All in one run on one machine, turn about: the job's lists (retrieve, describe, rank, balance, rules, reasons, write),
Spark MLlib's recommendForAllUsers (write) and `implicit`'s recommend (no write): top-100 of the same users and items.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from implicit.cpu.topk import topk
from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy import sparse
from threadpoolctl import threadpool_limits

from spark_jobs.contracts.domain import find_domain
from spark_jobs.contracts.settings import load_settings
from spark_jobs.lakehouse.night import Night
from spark_jobs.lakehouse.spark_session import spark_session
from spark_jobs.planning.snapshots import users_as_of
from spark_jobs.publish.score_users import tonights_lists, tonights_version
from spark_jobs.recommender.arrays.batches import resized
from spark_jobs.recommender.arrays.scores import allowed_items
from spark_jobs.recommender.arrays.user_batch import user_batch
from spark_jobs.recommender.candidates import propose, rank_in_pool
from spark_jobs.recommender.features.pairs import pair_features
from spark_jobs.recommender.indexing import index_as_of
from spark_jobs.recommender.ranking.ranker import load_booster, model_features, ranker_scores, to_bytes
from spark_jobs.recommender.sources import SOURCES
from spark_jobs.recommender.sources.als.fold_in import RANK, fold_in
from spark_jobs.registry.model_registry import ModelRegistry

LENGTH, ROUNDS, STAGED_USERS = 100, 3, 2_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--domain", required=True)
    parser.add_argument("--run-date", type=date.fromisoformat, required=True)
    given = parser.parse_args()
    # For the peers: ours runs with the default.
    settings = load_settings().model_copy(update={"driver_memory": "4g"})
    domain = find_domain(settings.conf_dir, given.domain)
    longer = domain.model_copy(
        update={"recommendations": domain.recommendations.model_copy(update={"per_user": LENGTH})}
    )
    night = Night(settings, longer, given.run_date, spark=spark_session(settings, "scoring speed")).for_job()
    histories = users_as_of(night, given.run_date)
    index = index_as_of(partial(night.stream, as_of=given.run_date), domain.sources)
    users = histories.count()
    print(f"{users:,} users, {index.items:,} items, lists of {LENGTH}, {night.spark.sparkContext.master}")
    ratings = positive_ratings(histories)
    peers = {
        "Nightjar, two stages": partial(nightjar, night),
        "Spark recommendForAllUsers": spark_peer(night.spark.createDataFrame(ratings), settings.shuffle_partitions),
        "implicit recommend": implicit_peer(ratings),
    }
    seconds: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(ROUNDS):
        for name, run in peers.items():
            started = time.monotonic()
            run()
            seconds[name].append(time.monotonic() - started)
    ours = median(seconds["Nightjar, two stages"])
    for name, taken in seconds.items():
        rate = f"{users / median(taken):8,.0f} users/s"
        print(f"{name:28} {median(taken):7.1f} s {rate}   ours is {median(taken) / ours:.2f} × as fast", flush=True)
    with threadpool_limits(1):
        stages(night, histories, index)


def positive_ratings(histories: DataFrame) -> pd.DataFrame:
    """user, item (numbers) and rating of every positive pair."""
    taken = histories.select("user_id", F.explode(F.arrays_zip("item_ids", "weights")).alias("e")).where(
        "e.weights > 0"
    )
    pairs = taken.groupBy("user_id", F.col("e.item_ids").alias("item_id")).agg(F.max("e.weights").alias("rating"))
    table = pairs.toPandas()
    columns = {name: pd.factorize(table[f"{name}_id"], sort=True)[0].astype(np.int32) for name in ("user", "item")}
    return pd.DataFrame({**columns, "rating": table.rating})


@contextmanager
def scratch() -> Iterator[str]:
    """A folder for one table."""
    folder = tempfile.mkdtemp()
    try:
        yield f"{folder}/lists"
    finally:
        shutil.rmtree(folder)


def nightjar(night: Night) -> None:
    """All that score_users does for its lists."""
    registry = ModelRegistry(night.settings, night.domain)
    with tonights_lists(night, registry, tonights_version(night)) as made, scratch() as table:
        made.lists.write.format("delta").save(table)


def spark_peer(ratings: DataFrame, blocks: int) -> Callable[[], None]:
    """MLlib's best of all items for all users, by factors of the same rank; the fit does not count."""
    columns = {"userCol": "user", "itemCol": "item", "ratingCol": "rating"}
    als = ALS(rank=RANK, maxIter=3, implicitPrefs=True, seed=1, numUserBlocks=blocks, numItemBlocks=blocks, **columns)
    model = als.fit(ratings)

    def run() -> None:
        with scratch() as table:
            model.recommendForAllUsers(LENGTH).write.format("delta").save(table)

    return run


def implicit_peer(table: pd.DataFrame) -> Callable[[], None]:
    """The library's best of all items for all users with all cores, nothing written; the fit does not count."""
    from implicit.als import AlternatingLeastSquares

    matrix = sparse.csr_matrix((table.rating.astype(np.float32), (table.user, table.item)))
    users = np.arange(matrix.shape[0])
    with threadpool_limits(1, "blas"):  # the library has threads of its own, and says so
        model = AlternatingLeastSquares(RANK, iterations=3, random_state=1)
        model.fit(matrix, show_progress=False)

    def run() -> None:
        with threadpool_limits(1, "blas"):
            model.recommend(users, matrix, N=LENGTH, filter_already_liked_items=False)

    return run


class Clock:
    """Adds up seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, stage: str, work: Callable[[], Any]) -> Any:
        """The result of the work."""
        started = time.perf_counter()
        done = work()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started
        return done


def stages(night: Night, histories: DataFrame, index: Any) -> None:
    """One process, one thread: seconds of each stage, and of the least that two of them could take."""
    model = to_bytes(ModelRegistry(night.settings, night.domain).load(tonights_version(night)))
    booster, clock, pairs = load_booster(model), Clock(), 0
    table = histories.limit(STAGED_USERS).toArrow().combine_chunks()
    for number, batch in enumerate([None, *resized(table.to_batches(), index.items)]):
        if batch is None:
            batch = table.to_batches()[0].slice(0, 20)  # makes what all batches share
        timed = clock if number else Clock()
        users = timed("read histories", partial(user_batch, batch, index))
        allowed = allowed_items(users, index)
        scores = {
            name: timed(f"retrieve: {name}", partial(best_of, source, users, index, allowed))
            for name, source in SOURCES.items()
            if index.candidates_per_source[name]
        }
        found = timed("candidates, all of it", partial(propose, users, index))
        pairs += len(found.users) if number else 0
        for name in scores:
            timed("ranks of sources", partial(rank_in_pool, found.users, -found.ranks[name].astype(np.float32) + 2_000))
        timed("other features", partial(pair_features, users, index, found.users, found.items))
        timed("score with the trees", partial(ranker_scores, found, model))
        prepared = np.ascontiguousarray(model_features(found, booster))
        timed("bound: inplace_predict", partial(booster.inplace_predict, prepared))
        factors = index.fitted["als"].factors
        folded = fold_in(users.taken, index.fitted["als"])
        timed("bound: implicit topk", partial(topk, factors, folded, index.candidates_per_source["als"], num_threads=1))
    count = table.num_rows
    print(f"\none thread, {count:,} users, {pairs:,} candidates\n")
    for stage, seconds in clock.seconds.items():
        print(f"{stage:34} {1000 * seconds / count:7.3f} ms a user {pairs / seconds:14,.0f} candidates/s")
    trees = clock.seconds["bound: inplace_predict"] / clock.seconds["score with the trees"]
    print(f"\ntree scoring runs at {trees:.0%} of inplace_predict on a prepared matrix")


def best_of(source: Any, users: Any, index: Any, allowed: np.ndarray) -> pa.Array:
    """What one source proposes."""
    return source.scores(users, index).best(allowed, index.candidates_per_source[source.name])


if __name__ == "__main__":
    main()
