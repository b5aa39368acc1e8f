"""Promotion: better than every rival on the same users, never on nothing."""

from __future__ import annotations

from spark_jobs.recommender.evaluation.promotion import judge


def test_better_than_every_source_is_promoted() -> None:
    promoted, reason = judge({"ranker": 0.3, "als": 0.2, "popularity": 0.1}, first=False)
    assert promoted
    assert "best rival als 0.2000" in reason


def test_not_better_is_refused_unless_it_is_the_first() -> None:
    figures = {"ranker": 0.1, "popularity": 0.1}
    assert judge(figures, first=False) == (
        False,
        "does not beat every rival: NDCG@10 0.1000, best rival popularity 0.1000",
    )
    promoted, reason = judge(figures, first=True)
    assert promoted
    assert reason.startswith("first model, promoted although")


def test_a_better_champion_is_not_replaced() -> None:
    figures = {"ranker": 0.30, "champion": 0.31, "popularity": 0.1}
    promoted, reason = judge(figures, first=False)
    assert not promoted
    assert reason.startswith("the champion is better: NDCG@10 0.3000")
    promoted, reason = judge(figures | {"champion": 0.29}, first=False)
    assert promoted
    assert reason.startswith("better than every rival and no worse than the champion")
    assert judge({"ranker": 0.3, "champion": 0.2}, first=False)[0] is False


def test_nothing_measured_is_never_promoted() -> None:
    assert judge({}, first=True)[0] is False
    assert judge({"ranker": 0.9}, first=True)[0] is False
