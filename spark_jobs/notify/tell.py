"""Tell people what began, goes on and passed, once: causes now, beside what the ledger says they were told."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.settings import Settings
from spark_jobs.lakehouse.run_context import RunContext
from spark_jobs.ledgers import alerts
from spark_jobs.ledgers.ledger import Row
from spark_jobs.notify.causes import causes
from spark_jobs.notify.channels import Channel, ChannelError, channels_of, reachable
from spark_jobs.notify.metrics import write_metrics
from spark_jobs.notify.notices import Change, Notice, Severity

log = logging.getLogger("nightjar")
REMINDER = timedelta(days=7)


def tell(
    settings: Settings, domain: Domain, *, more: Sequence[Channel] = (), now: datetime | None = None
) -> list[Change]:
    """Send what changed by all channels, in one message, and record it; what was sent.

    A channel that is down is recorded as a notice of its own, which the others send the next time; it never raises.
    """
    context, now = RunContext.tonight(settings, domain), now or datetime.now(UTC)
    channels = [*channels_of(settings.alert_channels), *more]
    known = alerts.latest(context.lakehouse)
    holding = [*causes(context.lakehouse, domain, now), *_channels_down(known, channels)]
    changes = changes_of(holding, known, now)
    if not changes:
        return []
    for change in changes:
        log.warning("%s: %s: %s", change.status, change.notice.title, change.notice.happened)
    failures = _send(domain, channels, changes)
    sent_by = [channel.name for channel in channels if channel.name not in failures]
    alerts.record(context, [_row(change, sent_by) for change in changes])
    broken = [_channel_notice(name, text) for name, text in failures.items()]
    fresh = [Change(notice, "firing") for notice in broken if _status(known, notice.key) != "firing"]
    alerts.record(context, [_row(change, []) for change in fresh])
    return [*changes, *fresh]


def tell_safely(settings: Settings, domain: Domain, *, more: Sequence[Channel] = ()) -> list[Change]:
    """The same where nothing may fail for it, such as a night that ends: what goes wrong is logged.

    Metrics are written with it.
    """
    try:
        changes = tell(settings, domain, more=more)
        write_metrics(settings, domain)
        return changes
    except Exception:
        log.exception("people could not be told what changed")
        return []


def changes_of(holding: Sequence[Notice], known: dict[str, Row], now: datetime) -> list[Change]:
    """What people are to be told: causes that are new, those that are a week old, and those that passed."""
    changes = []
    for notice in holding:
        row = known.get(notice.key)
        if row and row["status"] == "acknowledged" and row["until"] and row["until"] > now:
            continue
        if row is None or row["status"] == "resolved":
            changes.append(Change(notice, "firing"))
        elif now - row["recorded_at"] >= REMINDER:
            changes.append(Change(notice, "reminder"))
    keys = {notice.key for notice in holding}
    for key, row in known.items():
        if key not in keys and row["status"] != "resolved":
            changes.append(Change(_notice(row), "resolved"))
    return changes


def _send(domain: Domain, channels: Sequence[Channel], changes: list[Change]) -> dict[str, str]:
    failures = {}
    for channel in channels:
        try:
            channel.send(domain.domain, changes)
        except ChannelError as error:
            log.warning("%s", error)
            failures[channel.name] = str(error)
    return failures


def _channels_down(known: dict[str, Row], channels: Sequence[Channel]) -> list[Notice]:
    """Channels that did not take the last message; they hold until they take one."""
    named = {f"channel:{channel.name}" for channel in channels}
    down = [row for key, row in known.items() if key in named and row["status"] != "resolved"]
    # What is tried now decides: the notice passes where this message arrives.
    return [_notice(row) for row in down if not _works(row, channels)]


def _works(row: Row, channels: Sequence[Channel]) -> bool:
    channel = next(channel for channel in channels if f"channel:{channel.name}" == row["key"])
    return reachable(channel)


def _channel_notice(name: str, text: str) -> Notice:
    return Notice(
        f"channel:{name}",
        Severity.WARNING,
        f"Alerts do not arrive by {name}",
        text,
        "the same lists as without it",
        "Mend the channel, or take it out of NIGHTJAR_ALERT_CHANNELS.",
        "channel-down",
    )


def _status(known: dict[str, Row], key: str) -> str | None:
    return known[key]["status"] if key in known else None


def _row(change: Change, sent_by: list[str]) -> Row:
    return asdict(change.notice) | {
        "severity": str(change.notice.severity),
        "status": "resolved" if change.status == "resolved" else "firing",
        "sent_by": sent_by,
    }


def _notice(row: Row) -> Notice:
    names = ("key", "title", "happened", "consumers", "todo", "runbook")
    return Notice(severity=Severity(row["severity"]), **{name: row[name] for name in names})
