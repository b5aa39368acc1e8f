"""Data Docs: one page per gate, by run date, with an index that lists them; static files that need no server."""

from __future__ import annotations

import html
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
from great_expectations.render.view.view import DefaultJinjaPageView

if TYPE_CHECKING:
    from spark_jobs.lakehouse.night import Night

NIGHTS_KEPT = 30


def folder(night: Night) -> Path:
    """Where the domain's pages lie."""
    return night.settings.home / "data_docs" / night.domain.domain


def store_page(night: Night, table: str, outcome: Any, mark: str) -> Path:
    """Write the page of one validation and refresh the index; pages of the oldest nights are removed.

    `mark` is `passed`, `warnings` or `failed`: what the index says of it.
    """
    pages = folder(night) / str(night.run_date)
    pages.mkdir(parents=True, exist_ok=True)
    page = pages / f"{table}.html"
    content = DefaultJinjaPageView().render(ValidationResultsPageRenderer().render(outcome))  # type: ignore[no-untyped-call]
    page.write_text(f"<!-- {mark} -->{content}", encoding="utf-8")
    nights = sorted((path for path in folder(night).iterdir() if path.is_dir()), reverse=True)
    for old in nights[NIGHTS_KEPT:]:
        shutil.rmtree(old)
    _write_index(night, nights[:NIGHTS_KEPT])
    return page


def _write_index(night: Night, nights: list[Path]) -> None:
    title = f"Data quality of {html.escape(night.domain.domain)}"
    body = "".join(f"<h2>{pages.name}</h2><ul>{_links(pages)}</ul>" for pages in nights)
    style = "body{font:16px system-ui;margin:2rem auto;max-width:44rem}.failed{color:#b00020}.warnings{color:#9a6700}"
    (folder(night) / "index.html").write_text(
        f"<!doctype html><meta charset=utf-8><title>{title}</title><style>{style}</style><h1>{title}</h1>{body}",
        encoding="utf-8",
    )


def _links(pages: Path) -> str:
    links = []
    for page in sorted(pages.glob("*.html")):
        with page.open(encoding="utf-8") as file:
            mark = file.read(20).split()[1]
        links.append(f'<li class="{mark}"><a href="{pages.name}/{page.name}">{page.stem}</a>: {mark}</li>')
    return "".join(links)
