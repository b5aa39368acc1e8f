"""One night of a domain at a time: its nights write the same tables.

The turn is a row of `ops.turns` that lies where the tables lie. It changes hands by a commit on the version that was
read, and of two such commits the storage lets one through: what keeps tables whole keeps nights apart. A holder renews
it while it works, so that one that died does not keep others waiting.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

import psutil

from spark_jobs.contracts.errors import NightjarError
from spark_jobs.lakehouse.tables import Lakehouse

log = logging.getLogger("nightjar")
TURNS = "ops.turns"
LASTS = timedelta(minutes=30)
"""How long a turn that is not renewed lasts: longer than a task waits for its retry."""
RENEWED_EVERY = timedelta(minutes=5)


class TurnTakenError(NightjarError):
    """Another night or maintenance of the domain has the turn; the message says which, and until when."""

    retry = True


@dataclass(frozen=True)
class Turn:
    """Who may write the domain's tables: a name, where it is one process its host and number, and until when."""

    holder: str
    host: str | None
    pid: int | None
    since: datetime
    until: datetime

    @classmethod
    def of(cls, holder: str) -> Turn:
        """For work of more than one process, such as a run of a DAG."""
        now = datetime.now(UTC)
        return cls(holder, None, None, now, now + LASTS)

    @classmethod
    def of_this_process(cls, what: str) -> Turn:
        """For work that ends with this process."""
        host, pid = socket.gethostname(), os.getpid()
        return replace(cls.of(f"{what} on {host}, process {pid}"), host=host, pid=pid)

    def over(self) -> bool:
        """Whether it was not renewed in time, or its process is gone from this host."""
        gone = self.pid is not None and self.host == socket.gethostname() and not psutil.pid_exists(self.pid)
        return gone or self.until < datetime.now(UTC)


def never(holder: str) -> bool:
    """For those who can't tell whether another holder is at work."""
    return False


def claim(lakehouse: Lakehouse, turn: Turn, ended: Callable[[str], bool] = never) -> Turn | None:
    """Take or renew the turn: None where it is ours now, else the one that stands.

    `ended` says of a holder's name whether its work is over although its time is not.
    """
    lakehouse.create(TURNS)
    version = lakehouse.version(TURNS)
    held = _standing(lakehouse, version)
    if held and held.holder != turn.holder and not held.over() and not ended(held.holder):
        return held
    since = held.since if held and held.holder == turn.holder else turn.since
    ours = replace(turn, since=since, until=datetime.now(UTC) + LASTS)
    if lakehouse.replace_at(TURNS, [asdict(ours)], version):
        return None
    return _standing(lakehouse, lakehouse.version(TURNS))


def give_back(lakehouse: Lakehouse, holder: str) -> None:
    """End the turn, if it is the holder's."""
    if not lakehouse.exists(TURNS):
        return
    version = lakehouse.version(TURNS)
    held = _standing(lakehouse, version)
    if held and held.holder == holder:
        lakehouse.replace_at(TURNS, [], version)


@contextmanager
def held(lakehouse: Lakehouse, turn: Turn, *, keep: bool = False) -> Iterator[None]:
    """Hold the turn for the block, and renew it meanwhile; it is given back afterwards, unless `keep`.

    Raises TurnTakenError where it is another's, also at the end of a block during which it was lost.
    """
    _claim_or_raise(lakehouse, turn)
    stop, lost = threading.Event(), []

    def renew() -> None:
        while not stop.wait(RENEWED_EVERY.total_seconds()):
            try:
                _claim_or_raise(lakehouse, turn)
            except TurnTakenError as error:
                log.error("%s It took the turn of this one, which was not heard of for too long.", error)
                lost.append(error)
                return
            except Exception as error:
                log.warning("The turn could not be renewed, which is tried again: %s", error)

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        if not keep and not lost:
            give_back(lakehouse, turn.holder)
    if lost:
        raise lost[0]


def _claim_or_raise(lakehouse: Lakehouse, turn: Turn) -> None:
    if other := claim(lakehouse, turn):
        raise TurnTakenError(
            f"{lakehouse.domain} is being written by {other.holder} since {other.since:%Y-%m-%d %H:%M} UTC. Wait for "
            f"it, or stop it; if it is dead, its turn ends by itself at {other.until:%H:%M} UTC."
        )


def _standing(lakehouse: Lakehouse, version: int) -> Turn | None:
    rows = lakehouse.rows(TURNS, version).to_pylist()
    return Turn(**rows[0]) if rows else None
