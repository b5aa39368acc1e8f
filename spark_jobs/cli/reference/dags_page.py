"""The DAGs of every domain, read from the text of the DAG files: Airflow is not imported."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spark_jobs.cli.reference.markdown import code, document, table
from spark_jobs.contracts.domain import Domain, load_domain
from spark_jobs.contracts.job_catalog import NIGHT
from spark_jobs.contracts.settings import PROJECT_ROOT

INTRO = "Every domain has DAGs of its own, named after its file in `conf/`. See [jobs](jobs.md) for what a stage does."


def page() -> str:
    """The page as Markdown."""
    domains = [load_domain(path) for path in sorted((PROJECT_ROOT / "conf").glob("*.yaml"))]
    files = sorted((PROJECT_ROOT / "dags").glob("*.py"))
    sections = [_section(path, domains) for path in files]
    tasks = table(
        ("task", "what it does", "runs", "time limit"),
        [
            (code(stage.name), stage.meaning, _when(stage.only_if), f"{stage.timeout_minutes} minutes")
            for stage in NIGHT
        ],
    )
    return document("DAGs", "dags/, conf/ and job_catalog.py", INTRO, *sections, f"## Tasks of a night\n\n{tasks}")


def _when(only_if: str | None) -> str:
    return f"when `{only_if}_due` lets it" if only_if else "always"


def _section(path: Path, domains: list[Domain]) -> str:
    module = ast.parse(path.read_text(encoding="utf-8"))
    parts = [f"## {path.name}", ast.get_docstring(module) or ""]
    for call in _dag_calls(module):
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        pattern = _dag_id(given.get("dag_id"))
        schedule = _own_schedule(given.get("schedule"))
        if pattern and "<domain>" in pattern:
            rows = [
                (
                    code(pattern.replace("<domain>", d.slug)),
                    d.domain,
                    code(schedule or d.schedule) if d.schedule else "by hand",
                    d.time_zone,
                )
                for d in domains
            ]
            parts.append(table(("DAG", "domain", "schedule", "time zone"), rows))
        elif pattern:
            parts.append(f"DAG {code(pattern)}.")
        parts.append(table(("param", "type", "default", "meaning"), _params(given.get("params"))))
    return "\n\n".join(filter(None, parts))


def _dag_calls(module: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "DAG":
            yield node


def _own_schedule(node: ast.expr | None) -> str | None:
    """The schedule of DAGs that have another than their domain's."""
    return str(node.body.value) if isinstance(node, ast.IfExp) and isinstance(node.body, ast.Constant) else None


def _dag_id(node: ast.expr | None) -> str | None:
    """The id with `<domain>` for the domain's slug; None for ids made of anything else."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if not isinstance(node, ast.JoinedStr):
        return None
    text = ""
    for part in node.values:
        if isinstance(part, ast.Constant):
            text += str(part.value)
        elif isinstance(part, ast.FormattedValue) and ast.unparse(part.value) == "domain.slug":
            text += "<domain>"
        else:
            return None
    return text


def _params(node: ast.expr | None) -> list[tuple[str, str, str, str]]:
    rows = []
    for key, value in zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else []:
        if isinstance(key, ast.Constant) and isinstance(value, ast.Call):
            given = {keyword.arg: _literal(keyword.value) for keyword in value.keywords}
            kinds = given.get("type") or ""
            kind = " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
            default = _literal(value.args[0]) if value.args else None
            rows.append((code(str(key.value)), kind, code(json.dumps(default)), str(given.get("description") or "")))
    return rows


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)
