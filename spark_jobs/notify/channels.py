"""Channels: where messages go. Each is a URL, so that a setting, or an Airflow connection, names them all."""

from __future__ import annotations

import json
import smtplib
import socket
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from urllib.parse import parse_qs, unquote, urlsplit

from spark_jobs.contracts.errors import NightjarError
from spark_jobs.notify.notices import Change, as_text, subject

TIMEOUT = 10.0
"""Seconds."""


class ChannelError(NightjarError):
    """A channel's URL can't be used, or what it names did not take the message; without its secrets."""


@dataclass(frozen=True)
class Channel:
    """A mail server (`smtp://user:password@host:587/?from=a@b&to=c@d`, `smtps://`), a webhook that takes Slack's
    messages (`slack+https://...`), or any other (`https://...`, JSON)."""

    url: str

    @property
    def name(self) -> str:
        """What it is called in ledgers and messages: its kind and host, without secrets.

        >>> Channel("smtp://me:secret@mail.example:587/?to=a@b.example").name
        'smtp://mail.example'
        """
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}"

    def send(self, domain: str, changes: Sequence[Change]) -> None:
        """Send one message of all changes; raises ChannelError."""
        kind = urlsplit(self.url).scheme
        senders = {"smtp": _mail, "smtps": _mail, "slack+https": _slack, "slack+http": _slack}
        sender = senders.get(kind, _webhook if kind in ("http", "https") else None)
        if sender is None:
            known = ", ".join([*senders, "http", "https"])
            raise ChannelError(f"{self.name}: expected a URL of {known}")
        try:
            sender(self.url, domain, list(changes))
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise ChannelError(f"{self.name} did not take the message: {type(error).__name__}: {error}") from error


def reachable(channel: Channel) -> bool:
    """Whether something listens where the channel leads."""
    parts = urlsplit(channel.url)
    usual = {"smtp": 25, "smtps": 465, "http": 80, "slack+http": 80}
    try:
        socket.create_connection((parts.hostname or "", parts.port or usual.get(parts.scheme, 443)), TIMEOUT).close()
    except OSError:
        return False
    return True


def channels_of(text: str) -> list[Channel]:
    """The channels of a setting: URLs with blanks between them."""
    return [Channel(url) for url in text.split()]


def _webhook(url: str, domain: str, changes: list[Change]) -> None:
    alerts = [{"status": one.status} | asdict(one.notice) | {"runbook": one.notice.runbook_page} for one in changes]
    _post(url, {"domain": domain, "text": as_text(domain, changes), "alerts": alerts})


def _slack(url: str, domain: str, changes: list[Change]) -> None:
    # Slack takes these three signs for markup.
    text = as_text(domain, changes).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    _post(url.removeprefix("slack+"), {"text": text})


def _post(url: str, content: object) -> None:
    request = urllib.request.Request(
        url, json.dumps(content).encode(), {"Content-Type": "application/json", "User-Agent": "nightjar"}
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        answer.read()


def _mail(url: str, domain: str, changes: list[Change]) -> None:
    parts = urlsplit(url)
    given = parse_qs(parts.query)
    if not given.get("to"):
        raise ValueError("expected ?to= with an address")
    message = EmailMessage()
    message["Subject"] = " ".join(f"[nightjar] {subject(domain, changes)}".split())
    message["From"] = given.get("from", ["nightjar@localhost"])[0]
    message["To"] = ", ".join(given["to"])
    message.set_content(as_text(domain, changes))
    secure = parts.scheme == "smtps"
    server = smtplib.SMTP_SSL if secure else smtplib.SMTP
    with server(parts.hostname or "localhost", parts.port or (465 if secure else 25), timeout=TIMEOUT) as connection:
        connection.ehlo()
        if not secure and connection.has_extn("starttls"):
            connection.starttls()
            connection.ehlo()
        if parts.username:
            connection.login(unquote(parts.username), unquote(parts.password or ""))
        connection.send_message(message)
