"""`ops.alerts`: every notice that people were sent, when it began, was sent again and passed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from spark_jobs.contracts.errors import NightjarError
from spark_jobs.lakehouse.run_context import RunContext
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers.ledger import Row, latest_of_each

TABLE = "ops.alerts"
SEVERITIES = ("critical", "warning", "info")


class UnknownAlertError(NightjarError):
    """No alert of this key is open; the message names those that are."""


def record(context: RunContext, rows: Sequence[Row]) -> None:
    """Record notices, in one commit; none writes nothing."""
    if rows:
        context.record(TABLE, [{"until": None} | row for row in rows])


def latest(lakehouse: Lakehouse) -> dict[str, Row]:
    """The latest row of every key."""
    return {row["key"]: row for row in latest_of_each(lakehouse, TABLE, ("key",))}


def open_alerts(lakehouse: Lakehouse) -> list[Row]:
    """What has not passed yet, the most urgent first."""
    found = [row for row in latest(lakehouse).values() if row["status"] != "resolved"]
    return sorted(found, key=lambda row: (SEVERITIES.index(row["severity"]), row["key"]))


def acknowledge(context: RunContext, key: str, reason: str, until: datetime) -> None:
    """Note that somebody knows: nobody is reminded before `until`; raises UnknownAlertError."""
    found = {row["key"]: row for row in open_alerts(context.lakehouse)}
    if key not in found:
        raise UnknownAlertError(f"{key} is not open; open are: {', '.join(found) or 'none'}.")
    kept = {name: value for name, value in found[key].items() if name not in ("run_date", "recorded_at")}
    record(context, [kept | {"status": "acknowledged", "until": until, "reason": reason, "sent_by": []}])
