"""Reference pages and the schema say what the code says, and the check notices when they don't."""

from __future__ import annotations

import io
import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from rich.console import Console

from spark_jobs.cli.docs import GENERATED, run_docs, stale_files
from spark_jobs.cli.reference import dags_page, expectations_page, jobs_page
from spark_jobs.cli.reference.domain_file_page import schema
from spark_jobs.contracts.job_catalog import JOBS
from spark_jobs.contracts.settings import PROJECT_ROOT
from spark_jobs.contracts.tables import TABLES

DOMAIN_FILES = sorted((PROJECT_ROOT / "conf").glob("*.yaml"))


def test_committed_pages_are_what_the_code_says() -> None:
    assert list(stale_files()) == [], "run `make docs`"


def test_check_names_the_stale_file_and_what_to_do(tmp_path: Path) -> None:
    for name in GENERATED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT_ROOT / name, tmp_path / name)
    (tmp_path / "docs/reference/tables.md").write_text("old")
    output = io.StringIO()

    assert run_docs(check=True, console=Console(file=output), root=tmp_path) == 1
    assert "docs/reference/tables.md" in output.getvalue()
    assert "make docs" in output.getvalue()
    assert (tmp_path / "docs/reference/tables.md").read_text() == "old"


def test_writing_makes_the_check_pass(tmp_path: Path) -> None:
    console = Console(file=io.StringIO())

    assert run_docs(check=False, console=console, root=tmp_path) == 0
    assert run_docs(check=True, console=console, root=tmp_path) == 0


def test_no_page_names_a_path_of_this_machine() -> None:
    for name, make in GENERATED.items():
        assert str(PROJECT_ROOT) not in make(), name


PROSE = ["README.md", "Makefile", "docker-compose.yaml", "docker", "scripts", "dags", "plugins", "spark_jobs", "docs"]
"""Where people and programs meet the names of variables."""


def test_every_variable_in_the_tree_is_on_the_settings_page() -> None:
    named: set[str] = set()
    for root in (PROJECT_ROOT / name for name in PROSE):
        for path in [root] if root.is_file() else root.rglob("*"):
            if path.suffix in {"", ".md", ".py", ".yaml", ".sh"} and path.is_file():
                named |= set(re.findall(r"(?:AIRFLOW_CONN_)?NIGHTJAR_[A-Z0-9_]*[A-Z0-9]", path.read_text()))
    page = (PROJECT_ROOT / "docs/reference/settings.md").read_text()

    assert len(named) > 20
    assert {name for name in named if f"`{name}`" not in page} == set()


def test_no_page_shows_how_python_prints_an_object() -> None:
    for name, make in GENERATED.items():
        assert not re.search(r"<(class|function|object|module|enum)\b| object at 0x", make()), name


def test_every_table_job_and_column_is_described() -> None:
    tables, jobs = GENERATED["docs/reference/tables.md"](), jobs_page.page()

    assert [name for name in TABLES if f"### {name}\n" not in tables] == []
    assert [job for job in JOBS if f"| `{job}` |" not in jobs] == []


def test_the_graph_leads_from_writers_to_readers() -> None:
    assert ("clean_interactions", "build_user_histories") in jobs_page.edges()
    assert ("score_users", "publish_recommendations") in jobs_page.edges()


def test_dags_are_read_without_airflow() -> None:
    page = dags_page.page()
    for path in DOMAIN_FILES:
        assert f"| {path.stem} |" in page

    assert "| `run_date` |" in page


def test_long_arguments_of_expectations_are_cut(tmp_path: Path) -> None:
    rule = {"type": "expect_x", "kwargs": {"value_set": list("abcdefgh")}, "severity": "warning", "meta": {}}
    (tmp_path / "gold.recommendations_staged.json").write_text(json.dumps({"expectations": [rule]}))
    page = expectations_page.page(tmp_path)

    assert "and 2 more]" in page
    assert "Checked after `score_users`." in page


@pytest.mark.parametrize("path", DOMAIN_FILES, ids=lambda path: path.stem)
def test_the_schema_accepts_every_domain_file(path: Path) -> None:
    assert path.read_text().startswith("# yaml-language-server: $schema=domain.schema.json")

    validator = Draft202012Validator(json.loads(schema()))

    assert [error.message for error in validator.iter_errors(yaml.safe_load(path.read_text()))] == []


def test_the_schema_refuses_what_the_model_refuses() -> None:
    content = yaml.safe_load(DOMAIN_FILES[0].read_text()) | {"rulez": {}, "event_weights": {}}
    del content["interactions"]["columns"]["user_id"]
    errors = [error.message for error in Draft202012Validator(json.loads(schema())).iter_errors(content)]

    assert len(errors) == 3, errors
