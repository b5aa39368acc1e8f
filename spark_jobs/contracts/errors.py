"""The one base class of failures that Nightjar foresees; whatever is raised beside them is a bug."""

from __future__ import annotations

REPORT_BUGS = "This is a bug in Nightjar: please report it with the traceback above (see CONTRIBUTING.md)."


class NightjarError(Exception):
    """A foreseen failure: the message says what is wrong, where, what was expected and what to do.

    Command lines print the message alone; Airflow tries a task again only where `retry` says that it may help.
    """

    retry: bool = False
    """Whether the same work may succeed later although nobody changes anything (a lease, an outage)."""


class NothingToDoError(NightjarError):
    """A job's work can't be done tonight, and nothing is wrong: its stage ends as skipped, and the night goes on."""
