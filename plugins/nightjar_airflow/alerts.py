"""Alerts of a night's DAG run: what changed is sent at its end, and when it is late."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowException, AirflowRuntimeError

from spark_jobs.contracts.domain import find_domain
from spark_jobs.contracts.settings import load_settings
from spark_jobs.notify.channels import Channel
from spark_jobs.notify.tell import tell_safely

CONNECTIONS = ("nightjar_alerts", "nightjar_alerts_mail", "nightjar_alerts_slack", "nightjar_alerts_webhook")
"""Airflow connections that are channels, beside those of NIGHTJAR_ALERT_CHANNELS."""


def send_alerts(domain: str) -> list[str]:
    """Tell people what began, goes on and passed; never fails. The notices, as lines."""
    return _tell(domain, channels_of_connections())


def night_is_late(domain: str, **context: object) -> None:
    """For a deadline: the same while the night still runs; that it is late is a cause like others.

    By the channels of the setting alone: Airflow gives the process of a deadline no connections.
    """
    print("\n".join(_tell(domain, [])))


def _tell(domain: str, channels: list[Channel]) -> list[str]:
    settings = load_settings()
    changes = tell_safely(settings, find_domain(settings.conf_dir, domain), more=channels)
    return [f"{change.status} [{change.notice.severity}] {change.notice.title}" for change in changes]


def channels_of_connections() -> list[Channel]:
    """The channels that Airflow has connections for."""
    found = []
    for name in CONNECTIONS:
        try:
            found.append(Channel(url_of(Connection.get(name))))
        except (AirflowException, AirflowRuntimeError):
            continue  # most installations have none of them
    return found


def url_of(connection: Connection) -> str:
    """A connection as a channel's URL: mail for type `smtp`, Slack's for `slackwebhook`, a webhook for others."""
    host, port = connection.host or "", f":{connection.port}" if connection.port else ""
    if connection.conn_type == "smtp":
        extra = connection.extra_dejson
        login = ":".join(quote(part, safe="") for part in (connection.login, connection.password) if part)
        given = {"from": extra.get("from_email"), "to": extra.get("to_email")}
        return f"smtp://{f'{login}@' if login else ''}{host}{port}/?{urlencode({k: v for k, v in given.items() if v})}"
    scheme, rest = host.split("://", 1) if "://" in host else (connection.schema or "https", host)
    if connection.conn_type == "slackwebhook":
        return f"slack+{scheme}://{rest.rstrip('/')}{port}/{connection.password or ''}"
    return f"{scheme}://{rest}{port}"
