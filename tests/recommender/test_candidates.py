"""Candidates: rules hold whatever the input, features line up, batches do not matter."""

from __future__ import annotations

from typing import get_args

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.contracts.domain.policies import CandidateSource
from spark_jobs.recommender.arrays.user_batch import user_batch
from spark_jobs.recommender.candidates import UNRANKED, propose, rank_in_pool
from spark_jobs.recommender.features.vocabulary import FEATURE_NAMES
from spark_jobs.recommender.sources import SOURCES
from tests.recommender.builders import make_histories, make_index

ITEMS = 25
EVENT = st.tuples(
    st.integers(0, ITEMS + 2).map(lambda k: f"i{k:03d}"), st.sampled_from([1.0, 0.4, -0.5]), st.floats(0, 300, width=32)
)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(EVENT, max_size=8), min_size=1, max_size=5),
    st.lists(st.lists(st.integers(0, ITEMS - 1), max_size=20), min_size=5, max_size=5),
    st.lists(st.booleans(), min_size=ITEMS, max_size=ITEMS),
)
def test_never_blocked_never_ineligible_never_twice(
    events: list[list[tuple[str, float, float]]], blocked: list[list[int]], eligible: list[bool]
) -> None:
    index = make_index(ITEMS, eligible=eligible)
    histories = {f"u{k}": sorted(user, key=lambda e: -e[2]) for k, user in enumerate(events)}
    hidden = {f"u{k}": [f"i{item:03d}" for item in items] for k, items in enumerate(blocked)}
    found = propose(user_batch(make_histories(histories, hidden), index), index)
    pairs = list(zip(found.users.tolist(), found.items.tolist(), strict=True))

    assert len(pairs) == len(set(pairs))

    for user, item in pairs:
        assert eligible[item]
        assert f"i{item:03d}" not in hidden[f"u{user}"]
    # Popularity proposes everything allowed here, so nobody is left without candidates.
    for user in range(len(events)):
        allowed = sum(eligible[k] and f"i{k:03d}" not in hidden[f"u{user}"] for k in range(ITEMS))
        assert (found.users == user).sum() == allowed


def test_features_of_a_user_do_not_depend_on_the_batch() -> None:
    index = make_index(ITEMS)
    histories = {f"u{k}": [(f"i{(k + j) % ITEMS:03d}", 1.0, 10.0 - j) for j in range(k + 1)] for k in range(6)}
    together = propose(user_batch(make_histories(histories, {}), index), index)
    for row, (user, events) in enumerate(histories.items()):
        alone = propose(user_batch(make_histories({user: events}, {}), index), index)
        mine = together.users == row
        np.testing.assert_array_equal(together.items[mine], alone.items)
        np.testing.assert_allclose(together.features[mine], alone.features, rtol=1e-5)


def test_every_feature_has_a_column_and_a_new_user_still_gets_candidates() -> None:
    index = make_index(ITEMS)
    found = propose(user_batch(make_histories({"new": []}, {}), index), index)

    assert found.features.shape == (ITEMS, len(FEATURE_NAMES))
    assert found.proposed["popularity"].all()
    assert not found.proposed["als"].any()
    assert set(found.ranks) == set(SOURCES)


def test_ranks_inside_the_pool() -> None:
    ranks = rank_in_pool(np.array([0, 0, 0, 1, 1]), np.array([0.2, 0.9, 0.0, 0.5, 0.5], dtype=np.float32))
    assert ranks.tolist() == [2, 1, UNRANKED, 1, 2]


def test_ranks_of_as_many_pairs_as_a_batch_of_a_small_catalogue_has() -> None:
    users = np.repeat(np.arange(5_000), 400)
    scores = np.tile(np.linspace(0.01, 1, 400, dtype=np.float32), 5_000)

    assert (rank_in_pool(users, scores).reshape(5_000, 400) == np.arange(400, 0, -1)).all()


def test_sources_propose_as_many_as_the_domain_says_and_none_when_they_are_off() -> None:
    histories = make_histories({"u": [(f"i{k:03d}", 1.0, float(k)) for k in range(6)]}, {})
    depths = {"popularity": 3, "als": 0, "ease": 0}
    index = make_index(ITEMS, depths=depths)
    found = propose(user_batch(histories, index), index)

    assert found.proposed["popularity"].sum() == 3

    for name in ("als", "ease"):
        assert not found.proposed[name].any()
        assert (found.ranks[name] == UNRANKED).all()
        assert (found.features[:, FEATURE_NAMES.index(f"{name}_score")] == 0).all()

    assert found.proposed["recent_popularity"].sum() > 3


def test_the_domain_file_knows_every_source() -> None:
    assert get_args(CandidateSource) == tuple(SOURCES)
