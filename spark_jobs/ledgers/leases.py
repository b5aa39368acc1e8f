"""The lease of a domain: a lock that lets one night, maintenance or person at a time write the domain's tables.

The lease is the one row of `ops.leases`, stored where the tables are. It changes hands by optimistic concurrency: a
commit on the version that was read, of which one succeeds. A holder renews its lease while it works, so that
one that died does not keep others waiting (a lease with expiry, as in Gray and Cheriton 1989).
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
from pathlib import Path

import psutil

from spark_jobs.contracts.errors import NightjarError
from spark_jobs.lakehouse.tables import Lakehouse

log = logging.getLogger("nightjar")
LEASES = "ops.leases"
EXPIRES_AFTER = timedelta(minutes=30)
"""Time to live of a lease that is not renewed: longer than a task waits for its retry."""
RENEWED_EVERY = timedelta(minutes=5)


class LeaseTakenError(NightjarError):
    """Somebody else holds the domain's lease; the message says who, and until when."""

    retry = True


@dataclass(frozen=True)
class Lease:
    """Who may write the domain's tables: a name, where it is one process its host and number, and until when."""

    holder: str
    host: str | None
    pid: int | None
    since: datetime
    until: datetime

    @classmethod
    def of(cls, holder: str) -> Lease:
        """For work of more than one process, such as a run of a DAG."""
        now = datetime.now(UTC)
        return cls(holder, None, None, now, now + EXPIRES_AFTER)

    @classmethod
    def of_this_process(cls, what: str) -> Lease:
        """For work that ends with this process."""
        name, pid = socket.gethostname(), os.getpid()
        return replace(cls.of(f"{what} on {name}, process {pid}"), host=this_host(), pid=pid)

    def expired(self) -> bool:
        """Whether it was not renewed in time, or its process is gone from this host."""
        gone = self.pid is not None and self.host == this_host() and not psutil.pid_exists(self.pid)
        return gone or self.until < datetime.now(UTC)


def this_host() -> str:
    """Where process numbers mean what they mean here: two containers may have one name, each with its own numbers."""
    try:
        return f"{socket.gethostname()} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()


def never(holder: str) -> bool:
    """For those who can't tell whether another holder is at work."""
    return False


def take_lease(lakehouse: Lakehouse, lease: Lease, ended: Callable[[str], bool] = never) -> Lease | None:
    """Take or renew the lease.

    Args:
        lakehouse: The domain's tables.
        lease: The lease that is wanted; one of the same holder is renewed.
        ended: Says of a holder's name whether its work is over although its lease has not expired.

    Returns:
        None where the lease is ours now, else the lease that stands.
    """
    lakehouse.create(LEASES)
    version = lakehouse.version(LEASES)
    current = _current(lakehouse, version)
    if current and current.holder != lease.holder and not current.expired() and not ended(current.holder):
        return current
    since = current.since if current and current.holder == lease.holder else lease.since
    ours = replace(lease, since=since, until=datetime.now(UTC) + EXPIRES_AFTER)
    if lakehouse.replace_at(LEASES, [asdict(ours)], version):
        return None
    return _current(lakehouse, lakehouse.version(LEASES))


def release_lease(lakehouse: Lakehouse, holder: str) -> None:
    """End the lease, if it is the holder's."""
    if not lakehouse.exists(LEASES):
        return
    version = lakehouse.version(LEASES)
    current = _current(lakehouse, version)
    if current and current.holder == holder:
        lakehouse.replace_at(LEASES, [], version)


@contextmanager
def hold_lease(lakehouse: Lakehouse, lease: Lease, *, keep: bool = False) -> Iterator[None]:
    """Hold the lease for the block and renew it meanwhile; it is released afterwards, unless `keep`.

    Raises:
        LeaseTakenError: It is another's, also at the end of a block during which it was lost.
    """
    _take_or_raise(lakehouse, lease)
    stop = threading.Event()
    lost: list[LeaseTakenError] = []

    def renew() -> None:
        while not stop.wait(RENEWED_EVERY.total_seconds()):
            try:
                _take_or_raise(lakehouse, lease)
            except LeaseTakenError as error:
                log.error("%s Our lease had expired, since it was not renewed for too long.", error)
                lost.append(error)
                return
            except Exception as error:
                log.warning("The lease could not be renewed, which is tried again: %s", error)

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        if not keep and not lost:
            release_lease(lakehouse, lease.holder)
    if lost:
        raise lost[0]


def _take_or_raise(lakehouse: Lakehouse, lease: Lease) -> None:
    if other := take_lease(lakehouse, lease):
        raise LeaseTakenError(
            f"{lakehouse.domain} is being written by {other.holder} since {other.since:%Y-%m-%d %H:%M} UTC. Wait for "
            f"it, or stop it; if it is dead, its lease expires by itself at {other.until:%H:%M} UTC."
        )


def _current(lakehouse: Lakehouse, version: int) -> Lease | None:
    rows = lakehouse.rows(LEASES, version).to_pylist()
    return Lease(**rows[0]) if rows else None
