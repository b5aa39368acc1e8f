"""Alerts as they arrive at real servers: one per cause, once, and again when it has passed."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from spark_jobs.cli.main import app
from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.settings import PROJECT_ROOT, load_settings
from spark_jobs.contracts.tables import TABLES
from spark_jobs.lakehouse.run_context import RunContext
from spark_jobs.lakehouse.schema import arrow_schema
from spark_jobs.ledgers import alerts
from spark_jobs.ledgers.runs import JobRun
from spark_jobs.ledgers.runs import record as record_runs
from spark_jobs.notify import causes
from spark_jobs.notify.causes import causes as causes_of
from spark_jobs.notify.notices import Change
from spark_jobs.notify.tell import tell
from spark_jobs.views.nights import last_nights
from tests.nights import write_domain
from tests.notify.servers import mail_server, webhook


@pytest.fixture
def domain(home: Path) -> Domain:
    return write_domain(home, schedule="0 2 * * *")


def night(domain: Domain, day: date, status: str = "succeeded", error: str | None = None) -> None:
    """A night that ended so."""
    context = RunContext(load_settings(), domain, day)
    job = JobRun("publish", "publish_recommendations", status, 60.0, error=error)
    record_runs(context, [job])
    if status == "succeeded":
        row = ("u", 1, "i", "Title", 1.0, ["als"], "because", day, f"r-{day}", "7")
        columns = TABLES["gold.recommendations"].column_names
        schema = arrow_schema(TABLES["gold.recommendations"])
        table = pa.Table.from_pylist([dict(zip(columns, row, strict=True))], schema=schema)
        context.lakehouse.replace("gold.recommendations", table, None, {})
        facts = {"release": f"r-{day}", "kind": "publish", "model_version": "7", "inputs": {}, "domain_digest": ""}
        facts |= {"code_version": "v", "serving": True}
        made = {"kind": "scored", "users": 0, "rows": 0, "serving": False}
        context.record("ops.releases", [facts | made, facts | {"users": 1, "rows": 1}])


def titles(changes: list[Change]) -> list[tuple[str, str]]:
    return [(change.status, change.notice.key) for change in changes]


def test_a_failed_night_is_told_once_by_every_channel_and_when_it_passed(
    domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = domain.tonight()
    now = datetime.combine(today, datetime.min.time(), UTC) + timedelta(hours=3)
    night(domain, today - timedelta(days=1))
    night(domain, today, "failed", "Task failed <b>&: no space left on device")
    with mail_server() as (mail, mails), webhook() as (hook, posts), webhook() as (slack, messages):
        monkeypatch.setenv(
            "NIGHTJAR_ALERT_CHANNELS",
            f"smtp://127.0.0.1:{mail}/?from=n@shop.example&to=oncall@shop.example http://127.0.0.1:{hook}/alerts "
            f"slack+http://127.0.0.1:{slack}/services/x",
        )
        assert titles(tell(load_settings(), domain, now=now)) == [("firing", "night_failed")]
        assert tell(load_settings(), domain, now=now) == [], "one message per cause"
        night(domain, today)
        assert titles(tell(load_settings(), domain, now=now)) == [("resolved", "night_failed")]

    assert len(mails) == len(posts) == len(messages) == 2
    assert "Subject: [nightjar] shop: The night failed" in mails[0]
    assert "To: oncall@shop.example" in mails[0]
    (alert,) = posts[0]["alerts"]
    assert (alert["status"], alert["severity"]) == ("firing", "critical")
    assert "no space left on device" in alert["happened"]
    assert f"r-{today - timedelta(days=1)}" in alert["consumers"]
    assert (PROJECT_ROOT / alert["runbook"]).is_file()
    assert "&lt;b&gt;&amp;" in messages[0]["text"]
    assert posts[1]["text"].startswith("shop: resolved: The night failed")
    rows = alerts.latest(RunContext.tonight(load_settings(), domain).lakehouse)
    assert rows["night_failed"]["status"] == "resolved"
    assert rows["night_failed"]["sent_by"] == ["smtp://127.0.0.1", "http://127.0.0.1", "slack+http://127.0.0.1"]


def test_a_channel_that_is_down_fails_nothing_and_is_reported_until_it_is_back(
    domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = domain.tonight()
    now = datetime.combine(today, datetime.min.time(), UTC) + timedelta(hours=3)
    night(domain, today, "failed", "boom")
    with webhook() as (hook, posts):
        with webhook(500) as (broken, _):
            urls = f"http://127.0.0.1:{hook}/ http://localhost:{broken}/?token=secret"
            monkeypatch.setenv("NIGHTJAR_ALERT_CHANNELS", urls)
            assert titles(tell(load_settings(), domain, now=now)) == [
                ("firing", "night_failed"),
                ("firing", "channel:http://localhost"),
            ]
        assert "secret" not in str(RunContext.tonight(load_settings(), domain).rows(alerts.TABLE).to_pylist())
        # Down, and known to be; then back.
        assert tell(load_settings(), domain, now=now) == []
        with webhook(port=broken):
            assert titles(tell(load_settings(), domain, now=now)) == [("resolved", "channel:http://localhost")]
    assert len(posts) == 2


def test_late_nights_and_old_lists_are_told_also_where_nothing_ever_started(domain: Domain) -> None:
    day = date(2026, 3, 10)
    lakehouse = RunContext(load_settings(), domain, day).lakehouse

    def keys(now: datetime) -> list[str]:
        return [notice.key for notice in causes_of(lakehouse, domain, now)]

    assert keys(datetime(2026, 3, 10, 12, tzinfo=UTC)) == [], "a domain that nobody has switched on"
    night(domain, day)
    assert keys(datetime(2026, 3, 10, 12, tzinfo=UTC)) == []
    assert keys(datetime(2026, 3, 11, 7, tzinfo=UTC)) == [], "the schedule's six hours are not over"
    assert keys(datetime(2026, 3, 11, 9, tzinfo=UTC)) == ["night_late"]
    assert keys(datetime(2026, 3, 13, 9, tzinfo=UTC)) == ["night_late", "lists_old"]
    night(domain, date(2026, 3, 13), "failed", "boom")
    assert keys(datetime(2026, 3, 13, 9, tzinfo=UTC)) == ["night_failed", "lists_old"], "the root cause is told"


def test_maintenance_is_no_night_and_hides_none(domain: Domain) -> None:
    today = domain.tonight()
    night(domain, today - timedelta(days=1), "failed", "boom")
    record_runs(RunContext(load_settings(), domain, today), [JobRun("maintain", "maintain", "succeeded")])
    lakehouse = RunContext(load_settings(), domain, today).lakehouse

    assert [(view.run_date, view.status) for view in last_nights(lakehouse, 1)] == [
        (today - timedelta(days=1), "failed")
    ]
    assert "night_failed" in [notice.key for notice in causes_of(lakehouse, domain, datetime.now(UTC))]


def test_reminders_come_after_a_week_unless_somebody_knows(domain: Domain) -> None:
    today = domain.tonight()
    settings = load_settings()
    night(domain, today, "failed", "boom")
    now = datetime.now(UTC)
    tell(settings, domain, now=now)

    assert titles(tell(settings, domain, now=now + timedelta(days=8)))[0] == ("reminder", "night_failed")

    until = str(today + timedelta(days=30))
    command = ["alerts", "acknowledge", "-d", "shop", "--key", "night_failed", "--reason", "known", "--until", until]
    result = CliRunner().invoke(app, command)

    assert result.exit_code == 0, result.output
    assert ("reminder", "night_failed") not in titles(tell(settings, domain, now=now + timedelta(days=16)))


def test_status_has_an_exit_code_for_scripts(domain: Domain) -> None:
    runner = CliRunner()

    assert runner.invoke(app, ["status"]).exit_code == 0

    night(domain, domain.tonight(), "failed", "boom")
    result = runner.invoke(app, ["status", "--json"])

    assert result.exit_code == 1
    assert '"critical": "The night failed"' in result.output
    assert "nothing is wrong" not in runner.invoke(app, ["alerts", "list", "-d", "shop"]).output.lower()


def test_every_notice_has_its_runbook() -> None:
    """Pages and notices agree: what can be raised has a page, and no page is left over."""
    sources = [Path(causes.__file__), Path(causes.__file__).with_name("tell.py")]
    words = set(re.findall(r'"([a-z]+(?:-[a-z]+)*)"', "".join(path.read_text() for path in sources)))
    pages = {path.stem for path in (PROJECT_ROOT / "docs" / "runbooks").glob("*.md")} - {"README"}
    dashed = {word for word in words if "-" in word}

    assert pages <= words
    assert dashed <= pages


def test_what_is_drifting_refused_and_worse_is_told(domain: Domain) -> None:
    today = domain.tonight()
    night(domain, today)
    context = RunContext(load_settings(), domain, today)
    facts: dict[str, Any] = {"measure": "events", "status": "alarm", "users": 9, "text": "40, usually 200"}
    context.record("ops.drift", [facts])
    refused = {"decision": "promote", "outcome": "no", "reason": "not better", "model_version": "8"}
    context.record("ops.decisions", [refused])
    for number in range(3):
        served_from = today - timedelta(days=3 - number)
        base = {
            "release": f"r{number}",
            "served_from": served_from,
            "days": 1,
            "label_days": 7,
            "model_version": "7",
            "truth": "t",
        }
        rows = [
            {"model": "served", "metric": "ndcg_at_10", "value": 0.1, "low": 0.09, "high": 0.11, "users": 500},
            {"model": "popularity", "metric": "ndcg_at_10", "value": 0.2, "users": 500, "difference": -0.1}
            | {"difference_low": -0.12, "difference_high": -0.08},
        ]
        context.record("ops.outcomes", [base | row for row in rows])
    found = {notice.key: notice for notice in causes_of(context.lakehouse, domain, datetime.now(UTC))}

    assert set(found) >= {"drift", "challenger_refused", "quality:popularity:1"}
    assert "40, usually 200" in found["drift"].happened
    assert found["quality:popularity:1"].runbook == "worse-than-popularity"


def test_a_drill_proves_that_alerts_arrive_and_leaves_nothing(domain: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = CliRunner()
    with webhook() as (hook, posts), mail_server() as (mail, mails):
        urls = f"http://127.0.0.1:{hook}/ smtp://127.0.0.1:{mail}/?to=oncall@shop.example"
        monkeypatch.setenv("NIGHTJAR_ALERT_CHANNELS", urls)
        result = runner.invoke(app, ["alerts", "drill", "-d", "shop"])

    assert result.exit_code == 0, result.output
    assert [alert["status"] for post in posts for alert in post["alerts"]] == ["firing", "resolved"]
    assert len(mails) == 2
    assert "This is a drill" in mails[0]
    assert alerts.latest(RunContext.tonight(load_settings(), domain).lakehouse) == {}

    failed = runner.invoke(app, ["alerts", "drill", "-d", "shop"])

    assert "did not arrive by http://127.0.0.1" in str(failed.exception)
