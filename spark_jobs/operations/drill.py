"""A fault drill: plant a failed night in ledgers of its own, and see its alert arrive by every channel."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.errors import NightjarError
from spark_jobs.contracts.settings import Settings
from spark_jobs.lakehouse.run_context import RunContext
from spark_jobs.ledgers import alerts, runs
from spark_jobs.ledgers.runs import JobRun
from spark_jobs.notify.channels import channels_of
from spark_jobs.notify.tell import tell

PLANTED = "This is a drill (nightjar alerts drill): nothing failed, and nobody has to do anything."


class DrillError(NightjarError):
    """The alert did not arrive by every channel, or there is none; the message names those that failed."""


@dataclass(frozen=True)
class Drill:
    """What was planted, and by which channels the alert went out, and the word that it had passed."""

    key: str
    sent_by: list[str]


def drill(settings: Settings, domain: Domain) -> Drill:
    """Send the alert of a failed night, and that it passed; raises DrillError unless all channels took both."""
    channels = channels_of(settings.alert_channels)
    if not channels:
        raise DrillError("There is no channel to try: set NIGHTJAR_ALERT_CHANNELS (docs/runbooks/README.md).")
    with tempfile.TemporaryDirectory(prefix="nightjar-drill-") as folder:
        copy = settings.model_copy(update={"home": Path(folder)})
        context = RunContext.tonight(copy, domain)
        planted = JobRun("publish", "publish_recommendations", "failed", error=PLANTED)
        passed = JobRun("publish", "publish_recommendations", "succeeded")
        sent = []
        for run in (planted, passed):
            runs.record(context, [run])
            told = [change for change in tell(copy, domain) if change.notice.key == "night_failed"]
            if not told:
                raise DrillError("The planted failure was not noticed: please report this.")
            sent.append(set(alerts.latest(context.lakehouse)["night_failed"]["sent_by"]))
    arrived = sent[0] & sent[1]
    if missing := [channel.name for channel in channels if channel.name not in arrived]:
        raise DrillError(f"The alert did not arrive by {', '.join(missing)}: see docs/runbooks/channel-down.md.")
    return Drill("night_failed", sorted(arrived))
