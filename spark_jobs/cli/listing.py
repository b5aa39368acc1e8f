"""Listings for people and programs: tables in which nothing is cut, or the same rows as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

GAP = 2
"""Blanks between columns."""

Row = Mapping[str, Any]
"""One line of a listing, by column."""


def print_json(rows: Any) -> None:
    """Rows for programs; dates as ISO texts."""
    print(json.dumps(rows, default=str, ensure_ascii=False, indent=2))


def print_table(console: Console, rows: Sequence[Row], formats: Mapping[str, str], title: str | None = None) -> None:
    """Rows as a table of the named columns, wide enough for every figure and word; texts wrap between words.

    `formats` gives each column's format (`.4f`, `,`), empty for text; None and missing values are blank. Where the
    screen is narrower than that the table is wider than the screen: a cutoff figure is worse than a long line.
    """
    columns = {
        name: [name.replace("_", " "), *[_cell(row.get(name), kind) for row in rows]] for name, kind in formats.items()
    }
    widths = _widths(columns, console.width)
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), title=title, title_justify="left")
    for name, (head, *_) in columns.items():
        table.add_column(head, justify="right" if formats[name] else "left", width=widths[name])
    for number in range(1, len(rows) + 1):
        table.add_row(*[escape(texts[number]) for texts in columns.values()])
    screen = console.width
    console.width = max(screen, sum(widths.values()) + GAP * len(widths))
    console.print(table)
    console.width = screen


def _widths(columns: Mapping[str, Sequence[str]], screen: int) -> dict[str, int]:
    """Width of each column: that of its head and longest word, and a fair share of what the screen has beyond."""
    longest = {name: max(map(len, texts)) for name, texts in columns.items()}
    widths = {
        name: max([len(texts[0]), *(len(word) for text in texts[1:] for word in text.split())])
        for name, texts in columns.items()
    }
    spare = screen - sum(widths.values()) - GAP * len(widths)
    by_need = sorted(columns, key=lambda name: longest[name] - widths[name])
    for number, name in enumerate(by_need):
        share = max(0, min(longest[name] - widths[name], spare // (len(by_need) - number)))
        widths[name] += share
        spare -= share
    return widths


def _cell(value: Any, kind: str) -> str:
    if value is None:
        return ""
    return format(value, kind) if kind else str(value)
