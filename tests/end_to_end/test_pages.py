"""What people see of a night: the demo's last page and one user's list."""

from __future__ import annotations

from rich.console import Console

from spark_jobs.cli.demo_page import people, show_page
from spark_jobs.lakehouse.night import Night
from spark_jobs.recommender.sources import SOURCES
from spark_jobs.views.user_lists import user_list


def test_the_demo_page_shows_people_quality_times_and_next_steps(shop: Night) -> None:
    console = Console(record=True, width=100)
    show_page(shop.settings, "retail", {"prepare": 3.0, "publish": 4.0}, 12.0, console)
    text = console.export_text()
    chosen = people(shop.settings, "retail")

    assert len(set(chosen)) == 3

    for user in chosen:
        assert f"User {user}" in text
        first = user_list(shop.settings, "retail", user, 1).recommendations[0]
        assert first.title.split()[0] in text
    for words in (
        "champion",
        "popularity",
        "best baseline",
        "report.html",
        "NDCG@10",
        "Recall@20",
        "prepare 3 s",
        "make airflow",
    ):
        assert words in text


def test_the_reason_rests_on_the_first_source(shop: Night) -> None:
    rows = shop.read("gold.recommendations").select("reason", "sources").collect()
    for row in rows:
        assert row.reason.startswith(SOURCES[row.sources[0]].reason_template.split("{")[0])

    assert {row.sources[0] for row in rows} >= {"item_to_item", "own_history"}
