"""A notice: what happened, what consumers see now, what to do next; one per cause."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How soon somebody should look."""

    CRITICAL = "critical"
    """Tonight: consumers read old lists, or will."""
    WARNING = "warning"
    """This week."""
    INFO = "info"
    """When there is time."""


@dataclass(frozen=True)
class Notice:
    """One cause that holds now. Equal keys are one cause, however many nights it lasts."""

    key: str
    severity: Severity
    title: str
    happened: str
    consumers: str
    """What they see now."""
    todo: str
    runbook: str
    """Page of `docs/runbooks/`, without its ending."""

    @property
    def runbook_page(self) -> str:
        """Path of the runbook in the project."""
        return f"docs/runbooks/{self.runbook}.md"


@dataclass(frozen=True)
class Change:
    """A notice that began, goes on (a reminder), or passed."""

    notice: Notice
    status: str
    """`firing`, `reminder` or `resolved`."""


def as_text(domain: str, changes: list[Change]) -> str:
    """A message of all changes, the most urgent first.

    >>> notice = Notice("late", Severity.CRITICAL, "Late", "No lists.", "Old ones.", "Look.", "night-late")
    >>> print(as_text("shop", [Change(notice, "firing")]))
    shop: Late
    <BLANKLINE>
    [critical] Late
      What happened: No lists.
      Consumers see: Old ones.
      What to do: Look.
      Runbook: docs/runbooks/night-late.md
    """
    order = list(Severity)
    ranked = sorted(changes, key=lambda one: (one.status == "resolved", order.index(one.notice.severity)))
    parts = [subject(domain, ranked)]
    for change in ranked:
        notice = change.notice
        if change.status == "resolved":
            parts.append(f"[resolved] {notice.title}")
            continue
        again = " (still)" if change.status == "reminder" else ""
        parts.append(
            f"[{notice.severity}] {notice.title}{again}\n  What happened: {notice.happened}\n"
            f"  Consumers see: {notice.consumers}\n  What to do: {notice.todo}\n  Runbook: {notice.runbook_page}"
        )
    return "\n\n".join(parts)


def subject(domain: str, changes: list[Change]) -> str:
    """One line."""
    first, more = changes[0], len(changes) - 1
    resolved = "resolved: " if first.status == "resolved" else ""
    return f"{domain}: {resolved}{first.notice.title}" + (f", and {more} more" if more else "")
