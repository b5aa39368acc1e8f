"""Segments of users: what they take more than others, by hand; and whom it helps."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from spark_jobs.recommender.arrays.user_batch import user_batch
from spark_jobs.recommender.candidates import propose
from spark_jobs.recommender.sources.segment_popularity import SEGMENT_POPULARITY
from spark_jobs.recommender.sources.segment_popularity.fit import LEADERS, PRIOR_EVENTS, departures
from spark_jobs.recommender.sources.segment_popularity.segments import FEWEST_USERS, MOST_SEGMENTS, RANGES, Segments
from tests.recommender.builders import make_histories, make_index

MAP = pa.map_(pa.string(), pa.string())


def maps(*rows: dict[str, str | None] | None) -> pa.MapArray:
    return pa.array([None if row is None else list(row.items()) for row in rows], MAP)


def test_departures_are_shrunk_differences_of_shares() -> None:
    generator = np.random.default_rng(4)
    users = [f"u{n:02d}" for n in range(40)]
    cities = {user: ["Ulm", "Bonn", "Kiel"][n % 3] for n, user in enumerate(users)}
    taken = {user: generator.choice(9, 4, replace=False).tolist() for user in users}
    histories = make_histories(
        {user: [(f"i{item}", 1.0, 1.0) for item in taken[user]] + [("i0", -1.0, 0.5)] for user in users},
        {},
        {user: {"city": cities[user]} for user in users},
    )
    table = pa.Table.from_batches([histories.append_column("as_of", pa.repeat(date(2026, 1, 1), 40))])
    rows = departures(table).to_pylist()

    assert [(row["attribute"], row["value"]) for row in rows] == [("city", city) for city in ("Bonn", "Kiel", "Ulm")]

    everybody = np.bincount(np.concatenate(list(taken.values())), minlength=9)
    for row in rows:
        own = [user for user in users if cities[user] == row["value"]]
        counts = np.bincount(np.concatenate([taken[user] for user in own]), minlength=9)
        shares = everybody / everybody.sum()
        expected = (counts + PRIOR_EVENTS * shares) / (counts.sum() + PRIOR_EVENTS) - shares
        assert row["users"] == len(own)
        found = dict(zip(row["item_ids"], row["departures"], strict=True))
        assert found == pytest.approx({f"i{item}": expected[item] for item in range(9)}, abs=1e-9)
        assert sum(found.values()) == pytest.approx(0, abs=1e-8)
    again = departures(table.take(pa.array(generator.permutation(40))))

    assert again.to_pylist() == rows


def test_a_segment_keeps_its_leaders_and_everybodys() -> None:
    items = 3 * LEADERS
    histories = make_histories(
        {f"u{n}": [(f"i{k:04d}", 1.0, 1.0) for k in range(n % 3, items, 1 + n % 2)] for n in range(30)},
        {},
        {f"u{n}": {"odd": str(n % 2)} for n in range(30)},
    )
    table = pa.Table.from_batches([histories.append_column("as_of", pa.repeat(date(2026, 1, 1), 30))])
    for row in departures(table).to_pylist():
        assert LEADERS <= len(row["item_ids"]) <= 2 * LEADERS


def test_many_numbers_become_ranges_and_everybody_is_in_one() -> None:
    ages = np.random.default_rng(1).integers(14, 90, 500)
    segments = Segments.of(maps(*({"age": str(age), "sex": "fm"[age % 2]} for age in ages)))
    rows = segments.table.to_pylist()

    assert len([row for row in rows if row["attribute"] == "age"]) == RANGES
    assert [row["value"] for row in rows if row["attribute"] == "sex"] == ["f", "m"]

    members = segments.members(maps(*({"age": str(age)} for age in ages))).toarray()

    assert (members.sum(axis=1) == 1).all()

    for row, column in zip(rows, members.T, strict=True):
        if row["attribute"] == "age":
            low, high = map(float, row["value"].split(" to "))
            assert {*ages[column > 0]} == {age for age in ages if low <= age <= high}
            assert column.sum() > 500 / RANGES / 2
    others = segments.members(maps({"age": "3"}, {"age": "old"}, {"age": None}, {"shoe": "44"}, {}, None)).toarray()

    assert others.sum(axis=1).tolist() == [1, 0, 0, 0, 0, 0]
    assert rows[int(others[0].argmax())]["lowest"] == 14


def test_the_segments_with_most_users_are_kept() -> None:
    teams = [f"team {n}" for n in range(MOST_SEGMENTS)] * FEWEST_USERS
    segments = Segments.of(maps(*({"team": team, "name": f"n{n}", "sex": "f"} for n, team in enumerate(teams))))

    assert segments.table.num_rows == MOST_SEGMENTS
    assert set(segments.table["attribute"].to_pylist()) == {"team", "sex"}, "nobody is a segment alone"
    assert Segments.of(maps({}, None)).table.num_rows == 0


def test_newcomers_with_attributes_are_proposed_what_people_like_them_take() -> None:
    index = make_index(60)
    known = {"ulm": {"city": "Ulm"}, "both": {"city": "Ulm", "age": "35"}, "odd": {"city": "Rome"}}
    histories = make_histories({"ulm": [], "both": [], "odd": [], "none": []}, {}, known)
    found = propose(user_batch(histories, index), index)
    scores = SEGMENT_POPULARITY.scores(user_batch(histories, index), index)
    shares = index.popularity["popularity_all"]

    def of(user: int) -> np.ndarray:
        return scores.of(np.full(60, user), np.arange(60))

    expected = shares.copy()
    expected[4] += 0.3
    np.testing.assert_allclose(of(0), expected, rtol=1e-5)
    expected[2:4] += 0.1
    np.testing.assert_allclose(of(1), expected, rtol=1e-5)

    assert not of(2).any()
    assert not of(3).any()

    proposed = found.proposed["segment_popularity"]

    assert set(found.users[proposed]) == {0, 1}

    first = found.items[(found.users == 0) & (found.ranks["segment_popularity"] == 1)]

    assert first.tolist() == [4]
