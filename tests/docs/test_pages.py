"""Pages say what is true: links lead somewhere, commands parse, domain files are valid, and the front page is short."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from spark_jobs.cli.main import app
from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.settings import PROJECT_ROOT
from tests.nights import SHOP

ROOTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs", "benchmarks")
PAGES = sorted(
    page
    for root in (PROJECT_ROOT / name for name in ROOTS)
    for page in ([root] if root.is_file() else root.rglob("*.md"))
)
LINK = re.compile(r"\]\((?!https?://)([^)#\s]+)")
COMMAND = re.compile(r"(?:\.venv/bin/)nightjar ([^\n`#]+)")


def name_of(page: Path) -> str:
    return str(page.relative_to(PROJECT_ROOT))


def blocks(page: Path, language: str) -> list[str]:
    """Fenced blocks of a page without their indentation."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(), flags=re.DOTALL)
    broken = [link for link in LINK.findall(prose) if not (page.parent / link).exists()]

    assert broken == []


def commands() -> list[tuple[str, str]]:
    return sorted({(name_of(page), text.strip()) for page in PAGES for text in COMMAND.findall(page.read_text())})


@pytest.mark.parametrize(("page", "text"), commands())
def test_commands_on_pages_parse(page: str, text: str) -> None:
    command, arguments = get_command(app), shlex.split(text)
    context = command.make_context("nightjar", list(arguments), resilient_parsing=True)
    while hasattr(command, "commands"):
        name = arguments.pop(0)
        assert name in command.commands, f"{page}: nightjar {text}"
        command = command.commands[name]

    command.make_context(name, arguments, parent=context)


def test_pages_hold_commands() -> None:
    assert len(commands()) > 20


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_make_targets_on_pages_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT_ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)(?:[A-Z_]+=\S+ )*make ([a-z-]+)", page.read_text(), re.MULTILINE))

    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_domain_files_and_rules_on_pages_are_valid(page: Path) -> None:
    for text in blocks(page, "yaml"):
        shown = yaml.safe_load(text)
        if "domain" in shown:
            Domain.model_validate(shown)
        elif "rules" in shown:
            Domain.model_validate(SHOP | shown)


def test_the_front_page_and_the_guide_show_a_domain_file() -> None:
    for name in ("README.md", "docs/how-to/bring-your-data.md"):
        assert any("domain:" in text for text in blocks(PROJECT_ROOT / name, "yaml"))


def test_the_front_page_is_read_in_a_minute() -> None:
    text = (PROJECT_ROOT / "README.md").read_text()

    assert len(text.splitlines()) <= 95
    assert len(text.split()) <= 620


def test_decisions_have_a_date_and_a_status() -> None:
    decisions = sorted((PROJECT_ROOT / "docs/explanation/adr").glob("0*.md"))

    assert len(decisions) >= 28

    for page in decisions:
        assert re.search(r"^Date: \d{4}-\d\d-\d\d\. Status: (accepted|superseded)", page.read_text(), re.MULTILINE), (
            page
        )
        assert f"({page.name})" in (page.parent / "README.md").read_text()
