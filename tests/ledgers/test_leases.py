"""One writer of a domain at a time, whoever asks and however it ended."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from spark_jobs.contracts.storage import Location
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers import leases
from spark_jobs.ledgers.leases import Lease, LeaseTakenError, hold_lease, release_lease, take_lease


@pytest.fixture
def shop(tmp_path: Path) -> Lakehouse:
    return Lakehouse(Location(str(tmp_path)), "shop")


def test_of_many_who_ask_at_once_one_gets_it(shop: Lakehouse) -> None:
    take_lease(shop, Lease.of("last night"))
    release_lease(shop, "last night")
    barrier, got = threading.Barrier(8), []

    def run(name: str) -> None:
        barrier.wait()
        if take_lease(shop, Lease.of(name)) is None:
            got.append(name)

    threads = [threading.Thread(target=run, args=(f"night {number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(got) == 1

    other = take_lease(shop, Lease.of("another"))

    assert other
    assert other.holder == got[0]


def test_many_waiters_take_over_from_the_dead_only_once(shop: Lakehouse) -> None:
    with subprocess.Popen(["true"]) as process:
        pass
    dead = replace(Lease.of_this_process("night"), holder="dead", pid=process.pid)

    assert take_lease(shop, dead) is None

    winners = [name for name in ("a", "b", "c") if take_lease(shop, Lease.of(name)) is None]

    assert winners == ["a"]


def test_a_lease_that_is_not_renewed_ends(shop: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "EXPIRES_AFTER", timedelta(seconds=-1))

    assert take_lease(shop, Lease.of("elsewhere")) is None
    assert take_lease(shop, Lease.of("ours")) is None


def test_it_is_renewed_while_it_is_held_and_released(shop: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "RENEWED_EVERY", timedelta(seconds=0.05))
    with hold_lease(shop, Lease.of("night")):
        first = take_lease(shop, Lease.of("other"))
        threading.Event().wait(0.5)
        later = take_lease(shop, Lease.of("other"))
        assert first
        assert later
        assert later.until > first.until
        assert later.since == first.since

    assert take_lease(shop, Lease.of("other")) is None


def test_a_second_night_is_refused_in_one_sentence(shop: Lakehouse) -> None:
    words = rf"shop is being written by night 2026-01-05 on .* process {os.getpid()} since .* UTC\. Wait"
    with (
        hold_lease(shop, Lease.of_this_process("night 2026-01-05")),
        pytest.raises(LeaseTakenError, match=words),
        hold_lease(shop, Lease.of("other")),
    ):
        pass


def test_who_lost_the_turn_is_told(shop: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a machine slept: the lease expired and another night began."""
    monkeypatch.setattr(leases, "RENEWED_EVERY", timedelta(seconds=0.2))

    def ended(_: str) -> bool:
        return True

    def sleep() -> None:
        with hold_lease(shop, Lease.of("sleeper")):
            take_lease(shop, Lease.of("other"), ended)
            threading.Event().wait(1)

    with pytest.raises(LeaseTakenError, match="written by other"):
        sleep()
    assert take_lease(shop, Lease.of("third"))


def test_a_process_of_another_container_with_our_host_name_is_not_gone() -> None:
    ours = Lease.of_this_process("night")
    elsewhere = replace(ours, host=f"{socket.gethostname()} pid:[1]", pid=2**22 - 1)

    assert not elsewhere.expired()
    assert replace(ours, pid=2**22 - 1).expired()
