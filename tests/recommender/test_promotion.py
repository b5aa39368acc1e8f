"""Promotion: better than every source on the same users, never on nothing."""

from __future__ import annotations

from spark_jobs.recommender.evaluation.promotion import judge


def test_better_than_every_source_is_promoted() -> None:
    promoted, reason = judge({"ranker": 0.3, "als": 0.2, "popularity": 0.1}, first=False)
    assert promoted
    assert "best single source als 0.2000" in reason


def test_not_better_is_refused_unless_it_is_the_first() -> None:
    figures = {"ranker": 0.1, "popularity": 0.1}
    assert judge(figures, first=False) == (
        False,
        "does not beat every source: NDCG@10 0.1000, best single source popularity 0.1000",
    )
    promoted, reason = judge(figures, first=True)
    assert promoted
    assert reason.startswith("first model, promoted although")


def test_nothing_measured_is_never_promoted() -> None:
    assert judge({}, first=True)[0] is False
    assert judge({"ranker": 0.9}, first=True)[0] is False
