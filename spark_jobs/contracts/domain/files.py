"""Reading domain files: all mistakes at once, in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from spark_jobs.contracts.domain.domain import Domain
from spark_jobs.contracts.errors import NightjarError

_TAGS = ("ItemFiles", "DerivedItems", "csv", "json", "parquet")
"""Parts of a pydantic location that are no keys of the file."""


RENAMED_KEYS = {"recommendations.newcomer_id": "recommendations.new_user_id", "sources.linear": "sources.ease"}
"""Keys that earlier versions of Nightjar called otherwise, with their new names."""


class DomainFileError(NightjarError):
    """A domain file has mistakes; `problems` lists all of them as `key: what was expected`."""

    def __init__(self, path: Path | str, problems: list[str]) -> None:
        self.path, self.problems = path, problems
        super().__init__("\n".join(f"{path}: {problem}" for problem in problems))


def load_domain(path: Path) -> Domain:
    """Read and check a domain file; raises DomainFileError with every mistake in it."""
    if not path.is_file():
        raise DomainFileError(path, ["no such file; expected a domain file (see docs/reference/domain-file.md)"])
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DomainFileError(path, [f"not readable as YAML: {' '.join(str(error).split())}"]) from None
    if not isinstance(content, dict):
        raise DomainFileError(path, ["expected a mapping with the keys of a domain file"])
    try:
        return Domain.model_validate(content)
    except ValidationError as error:
        raise DomainFileError(path, [_explain(problem) for problem in error.errors()]) from None


def _explain(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"] if part not in _TAGS) or "domain file"
    if new := RENAMED_KEYS.get(key.removesuffix(".[key]")):
        return f"{key.removesuffix('.[key]')}: unknown key; it is {new} since Nightjar 0.1.0"
    if problem["type"] == "extra_forbidden":
        return f"{key}: unknown key; remove it or correct its spelling"
    if problem["type"] == "missing":
        return f"{key}: missing; it is required"
    text = str(problem["msg"]).removeprefix("Value error, ")
    if key == "domain file":
        return text
    shown = repr(problem["input"])
    return f"{key}: {text}" if shown in text else f"{key}: {text} (got {shown})"


def find_domain(conf_dir: Path, name: str) -> Domain:
    """The domain called `name` in `conf_dir`; the file is `<name>.yaml`."""
    path = conf_dir / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in conf_dir.glob("*.yaml"))) or "none"
        raise DomainFileError(path, [f"no domain file for {name!r}; domains in {conf_dir}: {known}"])
    return load_named(path)


def load_named(path: Path) -> Domain:
    """Read and check a domain file whose name must be the domain's."""
    domain = load_domain(path)
    if domain.domain != path.stem:
        raise DomainFileError(path, [f"domain: must equal the file's name {path.stem!r}, got {domain.domain!r}"])
    return domain
