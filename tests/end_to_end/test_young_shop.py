"""A shop from its first days, when there is nothing to train a ranker on, until one serves."""

from __future__ import annotations

from datetime import date

import pytest

from spark_jobs.lakehouse.night import Night
from spark_jobs.ledgers.decisions import latest_of_date
from spark_jobs.ledgers.releases import SERVED, champion
from spark_jobs.runner.run import JobFailedError, run_night

YOUNG = date(2026, 1, 8)
"""A week after the shop's first day: one label window, and nothing before it to learn from."""


def at(shop: Night, run_date: date, **train: object) -> Night:
    """The shop at another date, with other settings of training and a list for new users."""
    recommendations = shop.domain.recommendations.model_copy(update={"new_user_id": "(anybody)"})
    changed = {"train": shop.domain.train.model_copy(update=train), "recommendations": recommendations}
    return Night(shop.settings, shop.domain.model_copy(update=changed), run_date, spark=shop.spark)


def test_a_source_serves_until_a_ranker_can_be_trained(same_shop: Night, caplog: pytest.LogCaptureFixture) -> None:
    forced = Night(same_shop.settings, same_shop.domain, YOUNG, force_training=True, spark=same_shop.spark)

    with pytest.raises(JobFailedError, match=r"Can't train: the events before 2026-01-08 reach back . windows"):
        run_night(forced)

    run_night(at(same_shop, YOUNG))

    assert "category_popularity serves, since no ranker can be trained yet" in caplog.text

    lakehouse = same_shop.lakehouse

    assert champion(lakehouse) == "source:category_popularity"

    lists = same_shop.for_job().read(SERVED)
    users = at(same_shop, YOUNG).for_job().read("gold.user_histories").where(f"as_of = '{YOUNG}'").count()

    assert lists.select("user_id").distinct().count() == users > 50
    assert {row.model_version for row in lists.select("model_version").distinct().collect()} == {champion(lakehouse)}
    assert lists.where("reason = '' OR reason IS NULL").count() == 0
    assert lists.where("user_id = '(anybody)'").count() == same_shop.domain.recommendations.per_user

    # The first ranker is refused: now what was measured decides, and not what a young shop starts with.
    run_night(at(same_shop, same_shop.run_date, min_coverage=1.0))
    baseline = latest_of_date(lakehouse, "serve_baseline", same_shop.run_date)

    assert baseline is not None
    assert baseline.reason.startswith("no ranker serves yet: coverage@10 is")
    assert champion(lakehouse) == baseline.model_version != "source:category_popularity"
    assert same_shop.for_job().read(SERVED).where("user_id = '(anybody)'").count() > 0
