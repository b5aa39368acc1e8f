"""Shops that no ranker can be trained for, and a user or record out of the ordinary: there is always a list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark_jobs.ledgers.decisions import Kind, latest_of_date
from spark_jobs.ledgers.releases import SERVED, champion
from spark_jobs.runner.run import run_night
from tests.nights import land, night_of, write_domain

NIGHT = "2026-03-01"


def event(number: int, user: str, item: str, days: float, kind: str = "buy") -> str:
    """A line of the shop's log, so many days before the night."""
    at = datetime(2026, 3, 1, tzinfo=UTC) - timedelta(days=days, minutes=number % 60)
    return f"{number},{user},{item},{kind},{at:%Y-%m-%dT%H:%M:%SZ},5"


SHOPS = {
    "guests": [event(n, f"guest-{n}", f"i{n % 7}", 1 + n % 50) for n in range(200)],
    "one item": [event(n, f"u{n % 20}", "only", 1 + n % 50) for n in range(200)],
    "one user": [event(n, "me", f"i{n % 7}", 1 + n % 50) for n in range(200)],
    "one event": [event(0, "me", "only", 3)],
    "seen by all": [event(u * 5 + i, f"u{u}", f"i{i}", 1 + (u + i * 9) % 50) for u in range(20) for i in range(5)],
}


@pytest.mark.parametrize(
    "kind", [name if name == "guests" else pytest.param(name, marks=pytest.mark.long) for name in SHOPS]
)
def test_a_shop_that_no_ranker_can_be_trained_for_has_lists(
    spark: SparkSession, home: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    domain = write_domain(home, recommendations={"new_user_id": "(new)"}, quality={"max_age_days": None})
    land(home, "log.csv", *SHOPS[kind])
    night = night_of(spark, domain, NIGHT)

    run_night(night)

    assert str(champion(night.lakehouse)).startswith("source:")
    assert night.for_job().read(SERVED).where("user_id = '(new)'").count() > 0
    assert "no ranker can be trained yet" in caplog.text or kind == "seen by all"


@pytest.mark.long
def test_a_wrong_early_time_and_a_user_who_has_seen_everything_harm_nobody_else(
    spark: SparkSession, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = [event(n, f"u{n % 40}", f"i{(n * 7) % 30}", (n * 13) % 60 / 1.01) for n in range(1200)]
    log += [event(2000 + n, "all", f"i{n}", 2) for n in range(30)]
    log += ["9000,u1,i1,buy,1970-01-20T16:00:00Z,5", "9001,u2,i2,buy,2000-01-01T00:00:00Z,5"]
    items = {"path": "shop/items.jsonl", "format": {"type": "json"}, "columns": {"item_id": "id", "title": "id"}}
    domain = write_domain(home, items=items)
    land(home, "log.csv", *log)
    catalogue = [f'{{"id": "i{n}"}}' for n in range(40)]
    (home / "landing" / "shop" / "items.jsonl").write_text("\n".join(catalogue))
    night = night_of(spark, domain, NIGHT)

    run_night(night)

    lists = night.for_job().read(SERVED)
    refused = [row.failed_check for row in night.for_job().read("quarantine.interactions").collect()]
    trained = latest_of_date(night.lakehouse, Kind.PROMOTE, night.run_date)

    assert refused == ["event_at_plausible"]
    assert trained is not None
    assert lists.select("user_id").distinct().count() >= 40
    assert lists.where("user_id = 'all'").count() == 0 or lists.where("user_id = 'all' AND item_id < 'i3'").count() == 0

    # The registry is lost with all it held: the night says so, trains anew, and there are lists.
    monkeypatch.setenv("NIGHTJAR_MLFLOW_TRACKING_URI", f"sqlite:///{home}/another.db")
    later = night_of(spark, domain, "2026-03-02")
    run_night(later)
    training = latest_of_date(later.lakehouse, Kind.TRAIN, later.run_date)

    assert training is not None
    assert training.yes
    assert "is not in the registry any more" in training.reason
    assert later.for_job().read(SERVED).select("user_id").distinct().count() >= 40
