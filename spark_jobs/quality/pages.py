"""Data Docs: one page per gate, by run date, with an index that lists them; static files that need no server."""

from __future__ import annotations

import html
import shutil
from datetime import date
from pathlib import Path

from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
from great_expectations.render.view.view import DefaultJinjaPageView

from spark_jobs.quality.outcome import Outcome

NIGHTS_KEPT = 30


def store_page(folder: Path, run_date: date, table: str, outcome: Outcome) -> Path:
    """Write the page of one outcome below the domain's `folder` and refresh its index; the oldest nights go."""
    pages = folder / str(run_date)
    pages.mkdir(parents=True, exist_ok=True)
    page = pages / f"{table}.html"
    rendered = ValidationResultsPageRenderer().render(outcome.document)
    content = DefaultJinjaPageView().render(rendered)  # type: ignore[no-untyped-call]
    page.write_text(f"<!-- {outcome.mark} -->{content}", encoding="utf-8")
    nights = sorted((path for path in folder.iterdir() if path.is_dir()), reverse=True)
    # A backfill's pages are kept however old its run date is.
    for old in [path for path in nights[NIGHTS_KEPT:] if path != pages]:
        shutil.rmtree(old)
    _write_index(folder, [path for path in nights if path.exists()])
    return page


def _write_index(folder: Path, nights: list[Path]) -> None:
    title = f"Data quality of {html.escape(folder.name)}"
    body = "".join(f"<h2>{pages.name}</h2><ul>{_links(pages)}</ul>" for pages in nights)
    style = "body{font:16px system-ui;margin:2rem auto;max-width:44rem}.failed{color:#b00020}.warnings{color:#9a6700}"
    (folder / "index.html").write_text(
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
