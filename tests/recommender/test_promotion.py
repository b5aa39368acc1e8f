"""Promotion: better than what else could serve, no worse than the champion for anybody, never on nothing."""

from __future__ import annotations

from typing import Any

from spark_jobs.recommender.evaluation.promotion import decide_promotion

Row = dict[str, Any]


def row(model: str, value: float, part: str | None = None, users: int = 500, **more: Any) -> Row:
    return {"model": model, "metric": "ndcg_at_10", "slice": part, "value": value, "users": users, **more}


def champion(value: float, low: float, mean: float, high: float, part: str | None = None, users: int = 500) -> Row:
    return row("champion", value, part, users, difference=mean, difference_low=low, difference_high=high)


RIVALS = [row("als", 0.2), row("popularity", 0.1), row("most_frequent", 0.15)]
GOOD = [row("ranker", 0.3), *RIVALS]


def test_better_than_every_rival_is_promoted() -> None:
    verdict = decide_promotion(GOOD)

    assert verdict.promote
    assert verdict.reason == "better than every baseline: NDCG@10 0.3000, best baseline als 0.2000"


def test_what_loses_to_a_rival_does_not_serve_and_the_best_source_may() -> None:
    verdict = decide_promotion([row("ranker", 0.2), row("als", 0.2), row("most_frequent", 0.25)])

    assert not verdict.promote
    assert verdict.reason.startswith("does not beat every baseline: NDCG@10 0.2000, best baseline most_frequent 0.2500")
    # A baseline ranks the catalogue and proposes nothing: what can serve is a source.
    assert verdict.best_source == "als"


def test_a_baseline_that_is_ahead_by_chance_stops_nobody() -> None:
    # Else a source would serve that is worse than the ranker; a baseline can't.
    ahead = row("popularity_180d", 0.32, difference=-0.02, difference_low=-0.07, difference_high=0.03)
    verdict = decide_promotion([*GOOD, ahead])

    assert verdict.promote
    assert verdict.reason.startswith("better than every source, no baseline better beyond chance: NDCG@10 0.3000,")

    for told in (
        ahead | {"difference_high": -0.01},
        ahead | {"difference_high": None},
        ahead | {"model": "ease"},
    ):
        assert decide_promotion([*GOOD, told]).reason.startswith(
            "does not beat every baseline: NDCG@10 0.3000, best baseline "
        )


def test_against_the_champion_chance_and_cost_are_weighed() -> None:
    better = decide_promotion([*GOOD, champion(0.28, 0.01, 0.02, 0.03)], growth=3.0)

    assert better.promote
    assert better.reason.startswith("better than every baseline and better than the champion: ")
    assert "champion 0.2800 (difference +0.0200, 95 % interval +0.0100 to +0.0300)" in better.reason

    par = [*GOOD, champion(0.3, -0.01, -0.001, 0.01)]

    assert "on a par with the champion at no higher cost" in decide_promotion(par).reason
    assert decide_promotion(par).promote

    refused = decide_promotion(par, growth=1.5)

    assert not refused.promote
    assert refused.reason.startswith("on a par with the champion, and 1.50 times its size: ")

    for worse in (champion(0.31, -0.02, -0.01, -0.001), champion(0.31, -0.02, -0.01, 0.001)):
        verdict = decide_promotion([*GOOD, worse])
        assert not verdict.promote
        assert verdict.reason.startswith("the champion is better: ")


def test_no_segment_may_lose_beyond_chance() -> None:
    rows = [*GOOD, champion(0.28, 0.01, 0.02, 0.03)]
    light = champion(0.4, -0.05, -0.03, -0.01, "users: light")
    verdict = decide_promotion([*rows, light])

    assert not verdict.promote
    assert "worse than the champion for users: light (-0.0300, at most -0.0100)" in verdict.reason
    assert decide_promotion([*rows, light | {"users": 10}]).promote
    assert decide_promotion([*rows, champion(0.4, -0.05, -0.03, 0.01, "users: light")]).promote


def test_coverage_has_a_floor_where_the_domain_sets_one() -> None:
    covered = {"model": "diversified", "metric": "coverage_at_10", "slice": None, "value": 0.1, "users": 500}

    assert decide_promotion([*GOOD, covered], min_coverage=0.1).promote

    verdict = decide_promotion([*GOOD, covered], min_coverage=0.2)

    assert not verdict.promote
    assert "coverage@10 is 0.100, 0.200 is demanded" in verdict.reason
    assert not decide_promotion(GOOD, min_coverage=0.2).promote


def test_nothing_measured_is_never_promoted() -> None:
    assert decide_promotion([]).promote is False
    assert decide_promotion([row("ranker", 0.9)]).reason.startswith(
        "not evaluated against any baseline (evaluated: ranker)"
    )
