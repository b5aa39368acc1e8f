"""A user's list is shown with reasons and history, without a JVM; what can't be shown is explained in a sentence."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from rich.console import Console

from spark_jobs.cli.recommendations import show
from spark_jobs.contracts.domain import DomainFileError
from spark_jobs.contracts.settings import PROJECT_ROOT, Settings
from spark_jobs.lakehouse.tables import Lakehouse, NotWrittenError, literal
from spark_jobs.views.user_lists import NoListError, user_list

NIGHT = date(2026, 11, 24)
LISTS = [("ann", 1, "i1", "Ale [dark]"), ("ann", 2, "i2", "Bread"), ("o'bob", 1, "i3", "Cheese")]


@pytest.fixture
def settings(home: Path) -> Settings:
    """A domain `shop` with an empty lakehouse."""
    text = (PROJECT_ROOT / "conf" / "retail.yaml").read_text().replace("domain: retail", "domain: shop")
    (home / "conf" / "shop.yaml").write_text(text)
    return Settings(home=home, conf_dir=home / "conf")


@pytest.fixture
def published(settings: Settings) -> Settings:
    """Two users' lists, a history for one of them, and titles for all but one item of it."""
    lists = [
        {"user_id": user, "rank": rank, "item_id": item, "title": title, "score": 1.0 / rank, "sources": ["als"]}
        | {"reason": "People like you took it", "run_date": NIGHT, "release": "r-7", "model_version": "3"}
        for user, rank, item, title in reversed(LISTS)
    ]
    history = [{"as_of": NIGHT, "user_id": "ann", "item_ids": ["h1", "h2", "h3"]}]
    items = [{"as_of": NIGHT, "item_id": "h2", "title": "Honey"}, {"as_of": NIGHT, "item_id": "h3", "title": "Ham"}]
    for name, rows in {"recommendations": lists, "user_histories": history, "item_features": items}.items():
        write_deltalake(Lakehouse.of(settings, "shop").uri(f"gold.{name}"), pa.Table.from_pylist(rows))
    return settings


def test_the_list_comes_in_order_with_release_and_history(published: Settings) -> None:
    found = user_list(published, "shop", "ann")

    assert [(row.rank, row.title) for row in found.recommendations] == [(1, "Ale [dark]"), (2, "Bread")]
    assert (found.release, found.run_date, found.model_version) == ("r-7", NIGHT, "3")
    # The newest first; an item that the catalogue lost keeps its identifier.
    assert found.latest_history == ["Ham", "Honey", "h1"]


def test_it_is_printed_for_people_and_for_programs(published: Settings) -> None:
    found = user_list(published, "shop", "ann", limit=1)
    output = io.StringIO()
    show(found, Console(file=output, width=160))
    for text in ("r-7", "2026-11-24", "Ale [dark]", "People like you took it", "1.000", "Ham; Honey; h1"):
        assert text in output.getvalue()

    assert "Bread" not in output.getvalue()

    content = json.loads(found.to_json())

    assert content["run_date"] == "2026-11-24"
    assert content["recommendations"][0]["title"] == "Ale [dark]"


def test_a_quote_in_a_name_is_no_sql(published: Settings) -> None:
    assert [row.title for row in user_list(published, "shop", "o'bob").recommendations] == ["Cheese"]
    with pytest.raises(NoListError):
        user_list(published, "shop", "x' OR 'a' = 'a")
    assert literal("o'bob") == "'o''bob'"


def test_an_unknown_user_hears_how_many_have_a_list(published: Settings) -> None:
    with pytest.raises(NoListError, match=r"No list for user 'eve' .* 2 users have one, for example ann, o'bob\."):
        user_list(published, "shop", "eve")


def test_before_the_first_night_the_command_to_run_is_named(settings: Settings) -> None:
    with pytest.raises(NoListError, match="nightjar night --domain shop --run-date"):
        user_list(settings, "shop", "ann")
    with pytest.raises(NotWrittenError, match=r"gold\.recommendations of domain shop"):
        Lakehouse.of(settings, "shop").query("SELECT 1 FROM r", r="gold.recommendations")


def test_an_unknown_domain_hears_the_known_ones(settings: Settings) -> None:
    with pytest.raises(DomainFileError, match=r"no domain file for 'shoop'.*: shop"):
        user_list(settings, "shoop", "ann")


def test_no_jvm_and_nothing_heavy_is_loaded(published: Settings) -> None:
    code = (
        "import sys; from spark_jobs.cli.main import app; app(['recommendations', '-d', 'shop', '-u', 'ann'],"
        " standalone_mode=False); print(sorted({name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "Ale [dark]" in done.stdout

    for module in ("pyspark", "py4j", "pandas", "mlflow", "airflow", "great_expectations", "xgboost"):
        assert f"'{module}'" not in done.stdout
