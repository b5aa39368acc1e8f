"""Every field of a domain file, with complete examples from `conf/`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_type_hints

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from spark_jobs.cli.reference.domain_types import models_in, type_text
from spark_jobs.cli.reference.markdown import code, document, fenced, table
from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.domain.functions import FUNCTIONS
from spark_jobs.contracts.settings import PROJECT_ROOT

INTRO = """One YAML file in `conf/` describes one shop, catalogue or tenant; the file is called `<domain>.yaml`.
It says where its files land and how their columns become Nightjar's. Unknown keys are mistakes.

*Expression* means a Spark SQL expression over the source's columns. Whatever the file format, every source column
arrives as a string (nested values as JSON text), so use `try_cast` and `try_to_timestamp` where a value may be
malformed: a NULL in a required column sends the record to quarantine. In a YAML list, quote an expression that
contains a comma. An expression is a function of its own record: subqueries, aggregates, the clock and functions other
than those at the end of this page are refused, by `check-domain` and by the night.

What an expression, `event_key`, `event_weights` or `time_zone` says decides what silver holds. When one of them
changes, the next night cleans all of bronze again and says so; what was quarantined gets its second chance.
`check-domain` says beforehand which tables that will be. `format` is about files: it counts for those ingested from
then on.

`nightjar check-domain conf/<domain>.yaml` reports every mistake at once, tried on the landing files, and shows sample
rows. Editors that know the YAML language server check and complete the file by the first line of the examples."""


def page() -> str:
    """The page as Markdown."""
    sections = [_section(path, model) for path, model in _models("", Domain)]
    examples = ["## Examples"]
    for path in sorted((PROJECT_ROOT / "conf").glob("*.yaml")):
        examples.append(f"### {path.name}\n\n" + fenced(path.read_text(encoding="utf-8"), "yaml"))
    functions = "## Functions\n\n" + ", ".join(code(name) for name in sorted(FUNCTIONS))
    return document("Domain file", "spark_jobs/contracts/domain/ and conf/", INTRO, *sections, *examples, functions)


def schema() -> str:
    """JSON schema of a domain file, for editors."""
    content = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Domain.model_json_schema()
    return json.dumps(content, indent=2) + "\n"


def _models(path: str, model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    """The model and those nested in it with the key where each stands; formats once, though three sources have one."""
    yield path, model
    for name in model.model_fields:
        inner = f"{path}.{name}".lstrip(".")
        if name == "format" and path != "interactions":
            continue
        for part in models_in(_annotation(model, name)):
            yield from _models(inner, part)


def _section(path: str, model: type[BaseModel]) -> str:
    kind = model.model_fields.get("type")
    heading = f"## {path}" if path else "## Top level"
    if kind and path == "interactions.format":
        heading = f"## format of any source: {kind.default}"
    rows = [
        (
            code(name),
            type_text(_annotation(model, name)),
            _default(info),
            info.description or ("Kind of file." if name == "type" else ""),
        )
        for name, info in model.model_fields.items()
    ]
    about = "" if model is Domain else (model.__doc__ or "").strip()
    return "\n\n".join(filter(None, [heading, about, table(("key", "type", "default", "meaning"), rows)]))


def _annotation(model: type[BaseModel], name: str) -> Any:
    # Not FieldInfo.annotation: it no longer tells an expression from other text.
    return get_type_hints(model, include_extras=True)[name]


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "**required**"
    value = info.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, BaseModel):
        return code("{type: csv}") if hasattr(value, "delimiter") else "its defaults"
    return code("null" if value is None else json.dumps(value))
