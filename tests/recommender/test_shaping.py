"""What people decide about lists holds for every list, whatever the ranker says."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from spark_jobs.contracts.domain.policies import Rules
from spark_jobs.recommender.ranking.exposure import Exposure
from spark_jobs.recommender.ranking.lists import COLUMNS, list_maker
from spark_jobs.recommender.ranking.shaping import PINNED, items_of, shape_of, with_pins, without_blocked
from tests.recommender.builders import fitted, make_histories, make_index

ITEMS, DAY = 40, date(2026, 11, 25)
Lists = dict[str, list[dict]]


@pytest.fixture(scope="module")
def lists_under(spark: SparkSession):
    """Lists of eight users under rules; user u0 may not see i005."""
    index = make_index(ITEMS)
    generator = np.random.default_rng(0)
    histories = {
        f"u{u}": [(f"i{k:03d}", 1.0, float(n)) for n, k in enumerate(generator.choice(ITEMS, u, False))]
        for u in range(8)
    }
    frame = spark.createDataFrame(pa.Table.from_batches([make_histories(histories, {"u0": ["i005"]})]))
    share = spark.sparkContext.broadcast

    def lists(per_user: int = 10, **rules: object) -> Lists:
        found = Rules.model_validate(rules)
        shaped = share(without_blocked(found, index, DAY))
        shape = share(shape_of(found, per_user, shaped.value, DAY))
        balance = share(Exposure(0.0, 0, np.zeros(ITEMS), 0.0))
        rows = frame.mapInArrow(list_maker(shaped, share(fitted(1)), balance, shape), COLUMNS).toArrow().to_pylist()
        return {user: [row for row in rows if row["user_id"] == user] for user in histories}

    return lists


def items(lists: Lists) -> dict[str, list[str]]:
    return {user: [row["item_id"] for row in rows] for user, rows in lists.items()}


def test_blocked_items_and_categories_are_in_no_list(lists_under) -> None:
    before = {item for row in items(lists_under(30)).values() for item in row}

    assert {"i001", "i003"} <= before

    blocks = [{"item": "i001", "reason": "recalled"}, {"category": "c0", "reason": "by law"}]
    found = items(lists_under(30, block=blocks))

    assert not {item for row in found.values() for item in row} & {"i001", *(f"i{k:03d}" for k in range(0, ITEMS, 3))}
    assert all(row for row in found.values())


def test_pinned_items_have_their_places_and_the_rest_its_order(lists_under) -> None:
    pins = [{"item": "i005", "place": 1, "reason": "campaign"}, {"item": "i007", "place": 4, "reason": "campaign"}]
    before, found = items(lists_under(40)), lists_under(40, pin=pins)
    for user, rows in found.items():
        row = [entry["item_id"] for entry in rows]
        assert row[3] == "i007"
        if user == "u0":
            assert "i005" not in row
        else:
            assert row[0] == "i005"
            assert rows[0]["sources"] == [PINNED]
            assert rows[0]["reason"] == "Selected for everyone"
        pinned = {"i005", "i007"}
        assert [item for item in row if item not in pinned] == [item for item in before[user] if item not in pinned]
        assert len(row) == len(set(row))
        scores = [entry["score"] for entry in rows]
        assert scores == sorted(scores, reverse=True)
        assert [entry["rank"] for entry in rows] == list(range(1, len(rows) + 1))


def test_a_pin_gives_way_to_a_block(lists_under) -> None:
    rules = {
        "pin": [{"item": "i005", "place": 1, "reason": "campaign"}],
        "block": [{"item": "i005", "reason": "recalled"}],
    }
    assert not any("i005" in row for row in items(lists_under(40, **rules)).values())


def test_a_boost_moves_up_and_a_negative_one_down(lists_under) -> None:
    before = items(lists_under(40))
    up = items(lists_under(40, boost=[{"item": "i020", "by": 5, "reason": "clearance"}]))
    down = items(lists_under(40, boost=[{"category": "c1", "by": -5, "reason": "out of season"}]))
    for user, row in before.items():
        assert up[user].index("i020") <= row.index("i020")
        assert np.mean([down[user].index(i) for i in row if int(i[1:]) % 3 == 1]) >= len(row) / 2

    assert sum(row.index("i020") for row in up.values()) < sum(row.index("i020") for row in before.values())


@pytest.mark.parametrize("most", [1, 2, 5])
def test_no_list_holds_more_of_a_category_than_allowed(lists_under, most: int) -> None:
    before = items(lists_under(10))
    for user, row in items(lists_under(10, max_per_category=most)).items():
        counts = np.bincount([int(item[1:]) % 3 for item in row], minlength=3)
        assert counts.max() <= most
        assert len(row) == min(10, 3 * most)
        # The best of each category stay, in their order.
        kept = [item for item in before[user] if item in row]
        assert [item for item in row if item in kept] == kept


def test_rules_hold_from_a_day_to_a_day() -> None:
    index = make_index(ITEMS)
    rules = Rules.model_validate(
        {"block": [{"item": "i001", "reason": "x", "since": "2026-11-25", "until": "2026-11-26"}]}
    )
    eligible = [without_blocked(rules, index, date(2026, 11, day)).eligible[1] for day in (24, 25, 26)]

    assert eligible == [True, False, True]

    unknown = Rules.model_validate({"block": [{"item": "gone", "reason": "x"}, {"category": "gone", "reason": "x"}]})

    assert all(len(items_of(rule, index)) == 0 for rule in unknown.block)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 6), st.lists(st.tuples(st.integers(0, 9), st.integers(20, 25)), max_size=4))
def test_pins_never_lose_or_double_anything(length: int, pins: list[tuple[int, int]]) -> None:
    index = make_index(26)
    chosen = tuple(sorted({item: (place, item) for place, item in pins}.values()))
    shape = shape_of(Rules(), 10, index, DAY)
    lists = np.full((1, 10), -1)
    lists[0, :length] = np.arange(length)
    shape = type(shape)(10, shape.boosts, chosen)
    found, pairs = with_pins(lists, lists.copy(), np.ones((1, 26), dtype=bool), shape)
    row = found[0][found[0] >= 0].tolist()

    assert sorted(row) == sorted([*range(length), *(item for _, item in chosen)])
    assert [item for item in row if item < 20] == list(range(length))
    assert ((pairs[0] == -1) == ((found[0] == -1) | (found[0] >= 20))).all()
