"""How exposure has to be balanced, found on a sample of users with the candidates that they really have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame

from spark_jobs.contracts.domain.policies import Recommendations
from spark_jobs.recommender.arrays.batches import resized, shared_out
from spark_jobs.recommender.arrays.retrieval_index import RetrievalIndex
from spark_jobs.recommender.arrays.sharing import SharedIndex
from spark_jobs.recommender.arrays.user_batch import user_batch
from spark_jobs.recommender.candidates import propose
from spark_jobs.recommender.ranking.examples import ArrowMap
from spark_jobs.recommender.ranking.exposure import POOL, Exposure, standardised, weakest_exposure
from spark_jobs.recommender.ranking.labels import hashed_share
from spark_jobs.recommender.ranking.ranker import best_per_user, ranker_scores

COLUMNS = "user_id string, items array<int>, scores array<float>"
"""Pools of sampled users: item positions and standardised scores, best first."""
SAMPLED_USERS = 1_000, 4_000
"""Users that are looked at: the larger number only where the lists of the smaller don't tell that enough is reached."""
TELLING = 1 / 3
"""Share of all users whose lists tell what all reach: no more are looked at but for the smaller number of users."""


def exposure_of(histories: DataFrame, index: SharedIndex, model: Broadcast[bytes], wanted: Recommendations) -> Exposure:
    """The balance with which the users' lists reach the share of the items that the domain wants, if any."""
    eligible = index.value.eligible
    if wanted.coverage is None:
        return Exposure(0.0, 0, np.zeros(len(eligible), dtype=np.float32), 0.0)
    users, pools = histories.count(), []
    few, many = (min(1.0, most / max(users, 1)) for most in SAMPLED_USERS)
    shares = [few, max(few, min(many, TELLING))]
    for beyond, share in pairwise([0.0, *shares]):
        sample = shared_out(hashed_share(histories, share, beyond))
        pools.append(sample.mapInArrow(pool_maker(index, model), COLUMNS).toArrow())
        exposure = weakest_exposure(pa.concat_tables(pools), users, eligible, wanted.coverage, wanted.keep_first)
        if not exposure.strength or share == shares[-1]:
            break
    return exposure


def pool_maker(index: SharedIndex, model: Broadcast[bytes]) -> ArrowMap:
    """A function for `mapInArrow` from histories to the users' best candidates with standardised scores."""

    def make(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in resized(batches, index.value.items):
            yield _pools(batch, index.value, model.value)

    return make


def _pools(batch: pa.RecordBatch, index: RetrievalIndex, model: bytes) -> pa.RecordBatch:
    users = user_batch(batch, index)
    candidates = propose(users, index)
    scores, _ = standardised(candidates.users, ranker_scores(candidates, model), users.shape[0])
    best = best_per_user(candidates, scores, POOL).pairs
    offsets = pa.array(np.searchsorted(candidates.users[best], np.arange(users.shape[0] + 1)).astype(np.int32))
    items, values = (
        pa.array(column[best]) for column in (candidates.items.astype(np.int32), scores.astype(np.float32))
    )
    lists = [pa.ListArray.from_arrays(offsets, column) for column in (items, values)]
    return pa.RecordBatch.from_arrays([pa.array(users.user_ids, pa.string()), *lists], ["user_id", "items", "scores"])
