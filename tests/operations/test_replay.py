"""A batch is cleaned again after a correction, and what moved is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark_jobs.operations.replay import Replay, UnknownBatchError, replay
from spark_jobs.views.quarantine import refusals
from tests.nights import LANDING, land, night_of, prepare, write_domain


def test_what_a_correction_moves_out_of_quarantine_is_told_and_balanced(spark: SparkSession, home: Path) -> None:
    lenient = {"max_refused_share": 1.0}
    domain = write_domain(home, quality=lenient)
    land(home, "log.csv", "1,u1,a,buy,2026-01-01T10:00:00Z,5", "2,u2,a,wish,2026-01-01T11:00:00Z,5")
    night = night_of(spark, domain, "2026-01-02")
    prepare(night, *LANDING)
    (refused,) = refusals(night.lakehouse, 10)

    assert refused.failed_check == "event_type_known"

    weights = {"buy": 1.0, "view": 0.1, "return": -1.0, "wish": 0.5}
    corrected = night_of(spark, write_domain(home, quality=lenient, event_weights=weights), "2026-01-02")
    moved = replay(corrected, refused.batch_id)

    assert Replay("interactions", "kept", 1, 2) in moved
    assert Replay("interactions", "quarantined", 1, 0) in moved
    assert Replay("items", "kept", 1, 1) in moved
    assert corrected.read("silver.interactions").count() == 2
    assert refusals(corrected.lakehouse, 10) == []

    again = replay(corrected, refused.batch_id)

    assert all(one.before == one.now for one in again)
    assert corrected.read("silver.interactions").count() == 2


def test_a_batch_that_is_not_there_is_named_with_those_that_are(spark: SparkSession, home: Path) -> None:
    night = night_of(spark, write_domain(home), "2026-01-02")
    land(home, "log.csv", "1,u1,a,buy,2026-01-01T10:00:00Z,5")
    prepare(night, *LANDING)

    with pytest.raises(UnknownBatchError, match="no batch 'b'; the latest are 2026-01-02-"):
        replay(night, "b")
