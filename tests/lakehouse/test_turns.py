"""One writer of a domain at a time, whoever asks and however it ended."""

from __future__ import annotations

import os
import subprocess
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from spark_jobs.lakehouse import turns
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.lakehouse.turns import Turn, TurnTakenError, claim, give_back, held


@pytest.fixture
def shop(tmp_path: Path) -> Lakehouse:
    return Lakehouse(str(tmp_path), "shop")


def test_of_many_who_claim_at_once_one_gets_it(shop: Lakehouse) -> None:
    claim(shop, Turn.of("last night"))
    give_back(shop, "last night")
    barrier, got = threading.Barrier(8), []

    def run(name: str) -> None:
        barrier.wait()
        if claim(shop, Turn.of(name)) is None:
            got.append(name)

    threads = [threading.Thread(target=run, args=(f"night {number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1
    other = claim(shop, Turn.of("another"))
    assert other
    assert other.holder == got[0]


def test_many_waiters_take_over_from_the_dead_only_once(shop: Lakehouse) -> None:
    with subprocess.Popen(["true"]) as process:
        pass
    dead = replace(Turn.of_this_process("night"), holder="dead", pid=process.pid)
    assert claim(shop, dead) is None
    winners = [name for name in ("a", "b", "c") if claim(shop, Turn.of(name)) is None]
    assert winners == ["a"]


def test_a_turn_that_is_not_renewed_ends(shop: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LASTS", timedelta(seconds=-1))
    assert claim(shop, Turn.of("elsewhere")) is None
    assert claim(shop, Turn.of("ours")) is None


def test_it_is_renewed_while_it_is_held_and_given_back(shop: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "RENEWED_EVERY", timedelta(seconds=0.05))
    with held(shop, Turn.of("night")):
        first = claim(shop, Turn.of("other"))
        threading.Event().wait(0.5)
        later = claim(shop, Turn.of("other"))
        assert first
        assert later
        assert later.until > first.until
        assert later.since == first.since
    assert claim(shop, Turn.of("other")) is None


def test_a_second_night_is_refused_in_one_sentence(shop: Lakehouse) -> None:
    words = rf"shop is being written by night 2026-01-05 on .* process {os.getpid()} since .* UTC\. Wait"
    with (
        held(shop, Turn.of_this_process("night 2026-01-05")),
        pytest.raises(TurnTakenError, match=words),
        held(shop, Turn.of("other")),
    ):
        pass


def test_who_lost_the_turn_is_told(shop: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a machine slept: the turn ended and another night began."""
    monkeypatch.setattr(turns, "RENEWED_EVERY", timedelta(seconds=0.2))

    def ended(_: str) -> bool:
        return True

    def sleep() -> None:
        with held(shop, Turn.of("sleeper")):
            claim(shop, Turn.of("other"), ended)
            threading.Event().wait(1)

    with pytest.raises(TurnTakenError, match="written by other"):
        sleep()
    assert claim(shop, Turn.of("third"))
