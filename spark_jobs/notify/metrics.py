"""A domain's figures as Prometheus reads them: a text file that node_exporter's textfile collector picks up.

A file and no route: whoever scrapes needs no token, and what is scraped needs no night to be running.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.settings import Settings
from spark_jobs.contracts.whole_file import write_whole
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers import alerts, batches, outcomes
from spark_jobs.notify.notices import Severity
from spark_jobs.views.drift import shifts
from spark_jobs.views.nights import last_nights
from spark_jobs.views.status import status_of

Sample = tuple[dict[str, str], float]
METRICS: dict[str, str] = {
    "nightjar_last_success_timestamp_seconds": "When the latest successful night ended.",
    "nightjar_night_seconds": "Seconds that the jobs of the latest night took together.",
    "nightjar_night_failed": "1 where the latest night failed.",
    "nightjar_lists_run_date_timestamp_seconds": "Start of the run date of the lists that serve.",
    "nightjar_list_users": "Users with a list.",
    "nightjar_alerts": "Open alerts, by severity.",
    "nightjar_drift_alarms": "Measures of the latest night that are not as usual.",
    "nightjar_records": "Records of the latest batch of interactions, by what became of them.",
    "nightjar_outcome": "What served lists came to over the latest window that is over, by model, metric and days.",
}
"""Every metric with its meaning; all are gauges with the label `domain`."""


def write_metrics(settings: Settings, domain: Domain) -> Path:
    """Write `<home>/metrics/<domain>.prom` in one step."""
    path = settings.home / "metrics" / f"{domain.domain}.prom"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, metrics_text(Lakehouse.of(settings, domain), domain))
    return path


def metrics_text(lakehouse: Lakehouse, domain: Domain) -> str:
    """All metrics in Prometheus' text format; one that there is nothing to say of has no sample."""
    samples: dict[str, list[Sample]] = {name: [] for name in METRICS}
    for name, labels, value in _samples(lakehouse, domain):
        samples[name].append(({"domain": domain.domain} | labels, value))
    lines = []
    for name, meaning in METRICS.items():
        lines += [f"# HELP {name} {meaning}", f"# TYPE {name} gauge"]
        lines += [f"{name}{{{_labels(labels)}}} {value:.17g}" for labels, value in samples[name]]
    return "\n".join(lines) + "\n"


def _samples(lakehouse: Lakehouse, domain: Domain) -> Iterator[tuple[str, dict[str, str], float]]:
    nights = last_nights(lakehouse, 30)
    if nights:
        yield "nightjar_night_seconds", {}, nights[0].seconds
        yield "nightjar_night_failed", {}, float(nights[0].status == "failed")
    if ended := [night.ended_at for night in nights if night.status == "succeeded"]:
        yield "nightjar_last_success_timestamp_seconds", {}, max(ended).timestamp()
    status = status_of(lakehouse, domain)
    if status.lists_of and status.users is not None:
        yield "nightjar_lists_run_date_timestamp_seconds", {}, domain.start_of(status.lists_of).timestamp()
        yield "nightjar_list_users", {}, status.users
    opened = alerts.open_alerts(lakehouse)
    for severity in Severity:
        yield "nightjar_alerts", {"severity": severity}, sum(row["severity"] == severity for row in opened)
    alarms = [one for one in shifts(lakehouse, 1000) if one.status == "alarm" and nights]
    yield "nightjar_drift_alarms", {}, sum(one.run_date == nights[0].run_date for one in alarms)
    found = batches.latest(lakehouse, "interactions")
    if found:
        latest = found[max(found)]
        for name in ("received", "kept", "quarantined", "duplicates"):
            yield "nightjar_records", {"outcome": name}, latest[name]
    newest: dict[tuple[int, str, str], float] = {}
    for row in outcomes.overall(lakehouse):
        newest[row["days"], row["model"], row["metric"]] = row["value"]
    for (days, model, metric), value in newest.items():
        yield "nightjar_outcome", {"days": str(days), "model": model, "metric": metric}, value


def _labels(labels: dict[str, str]) -> str:
    # JSON escapes backslash, quote and line break as this format does.
    return ",".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels.items())
