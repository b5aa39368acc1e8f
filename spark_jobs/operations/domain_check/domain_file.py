"""What a domain file says about its inputs, as far as it can be understood."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from spark_jobs.contracts.domain import DomainFileError, Format, load_domain
from spark_jobs.contracts.domain.yaml_file import UnreadableFileError, read_yaml
from spark_jobs.operations.domain_check.report import CheckReport


@dataclass(frozen=True)
class Expression:
    """One expression: its key in the file, the contract column it fills and its SQL."""

    key: str
    column: str
    sql: str


@dataclass(frozen=True)
class Input:
    """One input with landing files; `key` is where the file names them."""

    name: str
    key: str
    pattern: str
    format: Format
    expressions: list[Expression]
    where: str | None = None
    """Condition for records to be taken, where it is text."""


def read_file(path: Path, report: CheckReport) -> dict[str, Any]:
    """Content of the file as YAML gives it, after the schema's own check of all of it."""
    try:
        load_domain(path)
    except DomainFileError as error:
        report.problems += [f"{path}: {problem}" for problem in error.problems]
    try:
        report.file = read_yaml(path)
    except (UnreadableFileError, OSError):
        return {}  # load_domain has said so
    return report.file.content if isinstance(report.file.content, dict) else {}


def inputs_of(content: dict[str, Any]) -> list[Input]:
    """Sources whose path and format can be used, with those of their expressions that are text.

    Not the models of the contract: a file with one mistake in a input should still have the rest of it tried.
    """
    interactions = _mapping(content.get("interactions"))
    listed = interactions.get("event_key")
    keys = {f"event_key.{number}": sql for number, sql in enumerate(listed if isinstance(listed, list) else [])}
    events = _expressions("interactions.columns", interactions.get("columns"))
    items, users = _mapping(content.get("items")), _mapping(content.get("users"))
    inputs = [
        _input("interactions", "interactions", interactions, events + _expressions("interactions", keys)),
        _input("users", "users", users, _expressions("users.columns", users.get("columns"))),
    ]
    if "from_interactions" in items:
        derived = _expressions("items.from_interactions", items["from_interactions"])
        item_id = [expression for expression in events if expression.column == "item_id"]
        if not any(expression.column == "title" for expression in derived):
            derived += [Expression("items.from_interactions.title", "title", e.sql) for e in item_id]
        inputs.append(_input("items", "interactions", interactions, item_id + derived))
    else:
        inputs.append(_input("items", "items", items, _expressions("items.columns", items.get("columns"))))
    return [input for input in inputs if input]


def _input(name: str, key: str, part: dict[str, Any], expressions: list[Expression]) -> Input | None:
    pattern = part.get("path")
    try:
        format: Format = TypeAdapter(Format).validate_python(part.get("format", {"type": "csv"}))
    except ValidationError:
        return None
    where = part.get("where") if isinstance(part.get("where"), str) else None
    return Input(name, key, pattern, format, expressions, where) if isinstance(pattern, str) and pattern else None


def _expressions(prefix: str, given: Any) -> list[Expression]:
    return [
        Expression(f"{prefix}.{name}", str(name), sql)
        for name, sql in _mapping(given).items()
        if sql and isinstance(sql, str)
    ]


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
