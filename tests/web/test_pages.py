"""Nightjar's pages in Airflow's API server: who may read what, and what they show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spark_jobs.contracts.settings import PROJECT_ROOT
from tests.web.conftest import ask_in, migrated
from tests.web.homes import HOSTILE

PATHS = {
    "/": "/nightjar/",
    "/domain/{domain}": "/nightjar/domain/shop",
    "/dag/{dag_id}": "/nightjar/dag/night_other_shop",
    "/domain/{domain}/user": "/nightjar/domain/shop/user?user=u1",
    "/domain/{domain}/{kind}/{path:path}": "/nightjar/domain/shop/data_docs/index.html",
    "/static/{name}": "/nightjar/static/style.css",
}
"""An address of every route."""


@pytest.fixture(scope="module")
def answers(filled: Path) -> dict[tuple[str | None, str], dict]:
    requests = [(role, path) for role in (None, "nonsense", "VIEWER", "ADMIN") for path in PATHS.values()]
    more = ["/nightjar/domain/nowhere", "/nightjar/domain/..%2f..%2fconf", "/nightjar/static/..%2fapp.py"]
    more += ["/nightjar/domain/shop/lakehouse/x", "/nightjar/domain/shop/data_docs/..%2f..%2fconf%2fshop.yaml"]
    more += ["/nightjar/docs", "/nightjar/openapi.json", "/nightjar/redoc", "/nightjar/domain/shop/user?user=nobody"]
    requests += [("ADMIN", path) for path in more] + [(None, path) for path in more]
    found = ask_in(filled, requests)
    assert set(found["routes"]) == set(PATHS), "every route is asked for below"
    return dict(zip(requests, found["answers"], strict=True))


@pytest.mark.parametrize("path", PATHS.values())
def test_nobody_reads_anything_and_a_reader_does(answers: dict, path: str) -> None:
    assert answers[None, path]["status"] == 401
    assert answers["nonsense", path]["status"] in (401, 403)
    assert "shop" not in answers[None, path]["text"].lower()
    assert answers["VIEWER", path]["status"] == 200
    policy = answers["VIEWER", path]["headers"]["content-security-policy"]
    assert "frame-ancestors 'self'" in policy
    assert "default-src 'self'" in policy or "sandbox" in policy


def test_what_is_not_there_is_said_and_nothing_beside_the_pages_is_served(answers: dict) -> None:
    assert answers["ADMIN", "/nightjar/domain/nowhere"]["status"] == 404
    assert "nowhere" in answers["ADMIN", "/nightjar/domain/nowhere"]["text"]
    outside = ("domain/shop/lakehouse/x", "domain/shop/data_docs/..%2f..%2fconf%2fshop.yaml")
    for path in (*outside, "domain/..%2f..%2fconf", "static/..%2fapp.py", "docs", "openapi.json", "redoc"):
        assert answers["ADMIN", f"/nightjar/{path}"]["status"] == 404, path
        assert answers[None, f"/nightjar/{path}"]["status"] in (401, 404), path
    unknown = answers["ADMIN", "/nightjar/domain/shop/user?user=nobody"]
    assert unknown["status"] == 200
    assert "nobody" in unknown["text"]


def test_the_pages_show_what_the_views_say(answers: dict) -> None:
    overview = answers["VIEWER", "/nightjar/"]["text"]

    assert "The shop other-shop" in overview
    assert "broken.yaml has mistakes" in overview
    assert "&lt;b&gt;1&lt;/b&gt;" in overview or "nonsense" in overview

    page = answers["VIEWER", "/nightjar/domain/shop"]["text"]

    for heading in ("Did it work?", "Nights", "Not as usual", "Releases", "Models", "Recall by source", "Quarantine"):
        assert f"<h2>{heading}</h2>" in page, heading
    assert page.count("<svg") == 2, "a chart of each length of window"
    assert "model 2" in page, "promotions are marked"
    assert "±0.0100 better" in page
    assert "The shop other-shop" in answers["VIEWER", "/nightjar/dag/night_other_shop"]["text"]


def test_titles_of_other_people_stay_text(answers: dict) -> None:
    for path in ("/nightjar/domain/shop", "/nightjar/domain/shop/user?user=u1"):
        page = answers["ADMIN", path]["text"]
        assert HOSTILE not in page
        assert "&lt;script&gt;alert(&#34;x&#34;)" in page
        assert len(re.findall(r"<script", page)) == 1, "our own"


def test_a_user_is_shown_with_history_list_and_what_happened_since(answers: dict) -> None:
    page = answers["ADMIN", "/nightjar/domain/shop/user?user=u1"]["text"]

    assert "<h1>u1</h1>" in page
    assert page.count("<tr>") >= 12
    assert "place 2" in page, "what was bought since had been listed"


def test_only_who_may_start_the_rollback_sees_its_button(answers: dict) -> None:
    assert "data-dag" in answers["ADMIN", "/nightjar/domain/shop"]["text"]
    assert "data-dag" not in answers["VIEWER", "/nightjar/domain/shop"]["text"]


def test_an_empty_installation_says_what_to_do_first(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    text = (PROJECT_ROOT / "conf" / "retail.yaml").read_text()
    (tmp_path / "conf" / "retail.yaml").write_text(text)
    migrated(tmp_path)
    found = ask_in(tmp_path, [("ADMIN", "/nightjar/"), ("ADMIN", "/nightjar/domain/retail")])["answers"]

    assert [answer["status"] for answer in found] == [200, 200]
    assert "No night has run yet" in found[0]["text"]
    assert "night_retail" in found[1]["text"]
