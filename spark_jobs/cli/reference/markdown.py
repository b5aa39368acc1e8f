"""The few Markdown shapes that the reference pages use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def document(title: str, source: str, *parts: str) -> str:
    """A page: title, where it comes from, and its parts; ends with one newline."""
    notice = f"<!-- Written by `nightjar docs` from {source}. Change it there and run `make docs`. -->"
    return "\n\n".join([f"# {title}", notice, *[part for part in parts if part]]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; empty text when there are no rows."""
    lines = ["| " + " | ".join(cell(text) for text in row) + " |" for row in rows]
    if not lines:
        return ""
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *lines])


def cell(text: str) -> str:
    """Text that can stand in a table cell."""
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Text as code."""
    return f"`{text}`"


def codes(texts: Iterable[str], otherwise: str = "") -> str:
    """Several names as code, with commas."""
    return ", ".join(code(text) for text in texts) or otherwise


def fenced(text: str, language: str) -> str:
    """A code block."""
    return f"```{language}\n{text.rstrip()}\n```"
