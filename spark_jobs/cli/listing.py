"""Listings for people and programs: tables in which nothing is cut, or the same rows as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

NARROWEST = 16
"""Characters that a column of text keeps however narrow the screen is; longer texts are wrapped."""
GAP = 2

Row = Mapping[str, Any]
"""One line of a listing, by column."""


def print_json(rows: Any) -> None:
    """Rows for programs; dates as ISO texts."""
    print(json.dumps(rows, default=str, ensure_ascii=False, indent=2))


def print_table(console: Console, rows: Sequence[Row], formats: Mapping[str, str], title: str | None = None) -> None:
    """Rows as a table of the named columns, wide enough for every figure; texts wrap.

    `formats` gives each column's format (`.4f`, `,`), empty for text; None and missing values are blank. Where the
    screen is narrower than that the table is wider than the screen: a cut figure is worse than a long line.
    """
    cells = {name: [_cell(row.get(name), formats[name]) for row in rows] for name in formats}
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), title=title, title_justify="left")
    needed = 0
    for name, values in cells.items():
        head = name.replace("_", " ")
        longest = max(len(text) for text in [head, *values])
        text = not formats[name] and longest > NARROWEST
        least = max(NARROWEST, len(head)) if text else longest
        table.add_column(
            head,
            justify="right" if formats[name] else "left",
            no_wrap=not text,
            overflow="fold",
            min_width=least,
        )
        needed += least + GAP
    for line in zip(*cells.values(), strict=True):
        table.add_row(*[escape(cell) for cell in line])
    width = console.width
    console.width = max(width, needed)
    console.print(table)
    console.width = width


def _cell(value: Any, kind: str) -> str:
    if value is None:
        return ""
    return format(value, kind) if kind else str(value)
