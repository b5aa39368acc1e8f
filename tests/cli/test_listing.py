"""Listings: whatever a person needs is there in full, however narrow the screen."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from spark_jobs.cli.listing import print_json, print_table

ROW = {"release": "retail-2026-11-18-3fa2b1", "ndcg_at_10": 0.29512, "users": 123456, "state": "rollback by ann: " * 5}
FORMATS = {"release": "", "ndcg_at_10": ".4f", "users": ",", "state": ""}


def printed(width: int, *rows: dict[str, object]) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_table(console, rows, FORMATS)
    assert console.width == width
    return console.file.getvalue()


@pytest.mark.parametrize("width", [20, 80, 200])
def test_no_figure_is_cut(width: int) -> None:
    text = printed(width, ROW, {"release": "none", "ndcg_at_10": None})

    assert "0.2951" in text
    assert "123,456" in text
    assert "…" not in text


@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=90), st.integers(10, 120))
def test_texts_wrap_and_lose_nothing(text: str, width: int) -> None:
    assert text in printed(width, {"state": f"rollback by ann: {text}"})


def test_json_has_dates_and_missing_values(capsys: pytest.CaptureFixture[str]) -> None:
    print_json([{"a": None, "b": "Tea & Söhne"}])

    assert json.loads(capsys.readouterr().out) == [{"a": None, "b": "Tea & Söhne"}]
