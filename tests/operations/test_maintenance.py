"""Maintenance: fewer files, the same rows, and nothing older than retention."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from spark_jobs.contracts.settings import Settings
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers.leases import Lease, LeaseTakenError, hold_lease
from spark_jobs.ledgers.quality_results import passed
from spark_jobs.operations.maintenance import maintain
from tests.nights import write_domain

DAYS = 40


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings(home=home, conf_dir=home / "conf", code_version="tested")


def decide(lakehouse: Lakehouse, day: int) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
    row = {"run_date": now.date(), "decision": "train", "outcome": "no", "reason": str(day), "recorded_at": now}
    lakehouse.append("ops.decisions", [row], {})


def age(table: str, days: int) -> None:
    """Make it look as if the table's files had been removed some days ago."""
    for entry in Path(table, "_delta_log").glob("*.json"):
        actions = [json.loads(line) for line in entry.read_text().splitlines()]
        for action in actions:
            if "remove" in action:
                action["remove"]["deletionTimestamp"] -= days * 86_400_000
        entry.write_text("".join(json.dumps(action) + "\n" for action in actions))


def test_tables_get_few_files_keep_their_rows_and_stay_readable_within_retention(
    home: Path, settings: Settings
) -> None:
    domain = write_domain(home)
    lakehouse = Lakehouse.of(settings, domain)
    for day in range(DAYS):
        decide(lakehouse, day)
    before = lakehouse.version("ops.decisions")
    found = {one.table: one for one in maintain(settings, domain)}["ops.decisions"]

    assert (found.files_before, found.files_after, found.removed) == (DAYS, 1, 0)
    assert lakehouse.count("ops.decisions") == DAYS
    assert lakehouse.rows("ops.decisions", before).num_rows == DAYS

    path = Path(lakehouse.uri("ops.decisions"))
    age(str(path), settings.retention_days - 1)

    assert {one.table: one.removed for one in maintain(settings, domain)}["ops.decisions"] == 0

    age(str(path), 2)
    # What the checkpoint says of removed files counts, not the log before it.
    for checkpoint in path.glob("_delta_log/*checkpoint*"):
        checkpoint.unlink()

    assert {one.table: one.removed for one in maintain(settings, domain)}["ops.decisions"] == DAYS
    assert len(list(path.glob("*.parquet"))) == 1
    assert lakehouse.count("ops.decisions") == DAYS

    runs = lakehouse.query("SELECT stage, status FROM runs", runs="ops.runs").to_pylist()

    assert runs == [{"stage": "maintain", "status": "succeeded"}] * 3


def test_a_compacted_table_has_passed_what_it_passed_before(home: Path, settings: Settings) -> None:
    domain = write_domain(home)
    lakehouse = Lakehouse.of(settings, domain)
    for day in range(3):
        decide(lakehouse, day)
    result = {"run_date": date(2026, 1, 1), "table": "ops.decisions", "expectation": "x", "severity": "critical"}
    result |= {"success": True, "version": lakehouse.version("ops.decisions"), "suite": "s"}
    lakehouse.append("ops.quality_results", [result | {"recorded_at": datetime.now(UTC)}], {})
    maintain(settings, domain)

    assert passed(lakehouse, "ops.decisions", lakehouse.version("ops.decisions"), "s")
    assert not passed(lakehouse, "ops.decisions", lakehouse.version("ops.decisions"), "another")


def test_lists_older_than_the_history_that_is_kept_go(home: Path, settings: Settings) -> None:
    domain = write_domain(home)
    lakehouse, tonight = Lakehouse.of(settings, domain), domain.tonight()
    days = [tonight - timedelta(days=back) for back in (0, 364, 366)]
    rows = [
        {"user_id": "u", "rank": 1, "item_id": "i", "title": "t", "score": 1.0, "sources": ["als"], "reason": "r"}
        | {"run_date": day, "release": "r", "model_version": "1"}
        for day in days
    ]
    lakehouse.append("gold.recommendation_history", rows, {})
    maintain(settings, domain)
    left = lakehouse.query("SELECT run_date FROM h", h="gold.recommendation_history")["run_date"].to_pylist()

    assert sorted(left) == sorted(days[:2])


def test_it_waits_for_a_night(home: Path, settings: Settings) -> None:
    domain = write_domain(home)
    with (
        hold_lease(Lakehouse.of(settings, domain), Lease.of("night")),
        pytest.raises(LeaseTakenError, match="written by night"),
    ):
        maintain(settings, domain)
