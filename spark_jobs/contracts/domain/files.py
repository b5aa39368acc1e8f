"""Reading domain files: all mistakes at once, in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from spark_jobs.contracts.domain.domain import Domain
from spark_jobs.contracts.domain.yaml_file import UnreadableFileError, YamlFile, read_yaml
from spark_jobs.contracts.errors import NightjarError

RENAMED_KEYS = {"recommendations.newcomer_id": "recommendations.new_user_id", "sources.linear": "sources.ease"}
"""Keys that earlier versions of Nightjar called otherwise, with their new names."""
_PLACEHOLDER = {
    "domain": "any",
    "interactions": {"path": "x", "columns": dict.fromkeys(("user_id", "item_id", "event_type", "event_at"), "x")},
    "items": {"from_interactions": {}},
}
"""Stands in for parts of a file that have mistakes while the rest is checked for agreeing with itself."""


class DomainFileError(NightjarError):
    """A domain file has mistakes; `problems` lists all of them as `line N: key: what was expected`."""

    def __init__(self, path: Path | str, problems: list[str]) -> None:
        self.path, self.problems = path, problems
        super().__init__("\n".join(f"{path}: {problem}" for problem in problems))


def domain_files(conf_dir: Path) -> list[Path]:
    """Every file that is one, or was meant to be."""
    return sorted([*conf_dir.glob("*.yaml"), *conf_dir.glob("*.yml")])


def load_domain(path: Path) -> Domain:
    """Read and check a domain file, whose name must be the domain's; raises DomainFileError with every mistake."""
    if not path.exists():
        raise DomainFileError(path, ["no such file; expected a domain file (see docs/reference/domain-file.md)"])
    try:
        file = read_yaml(path)
    except UnreadableFileError as error:
        raise DomainFileError(path, error.problems) from None
    problems = _mistakes(file)
    name = file.content.get("domain") if isinstance(file.content, dict) else None
    if isinstance(name, str) and name != path.stem:
        problems.append(f"{file.place('domain')}domain: must equal the file's name {path.stem!r}, got {name!r}")
    if path.suffix != ".yaml":
        problems.append(f"must be called {path.stem}.yaml")
    if problems:
        raise DomainFileError(path, problems)
    return Domain.model_validate(file.content)


def find_domain(conf_dir: Path, name: str) -> Domain:
    """The domain called `name` in `conf_dir`; the file is `<name>.yaml`."""
    path = conf_dir / f"{name}.yaml"
    if not path.exists():
        known = ", ".join(p.stem for p in domain_files(conf_dir)) or "none"
        raise DomainFileError(path, [f"no domain file for {name!r}; domains in {conf_dir}: {known}"])
    return load_domain(path)


def _mistakes(file: YamlFile) -> list[str]:
    content = file.content
    if not isinstance(content, dict):
        return ["expected a mapping with the keys of a domain file"]
    try:
        Domain.model_validate(content)
    except ValidationError as error:
        found = error.errors()
    else:
        return []
    # Rules between parts are looked at only when each part is right: tell both at once.
    wrong = {problem["loc"][0] for problem in found if problem["loc"]}
    if wrong and "event_weights" not in wrong and "event_weights" in content:
        try:
            Domain.model_validate(_PLACEHOLDER | {key: value for key, value in content.items() if key not in wrong})
        except ValidationError as error:
            found += [problem for problem in error.errors() if not problem["loc"]]
    return list(dict.fromkeys(text for problem in found for text in _explain(problem, file)))


def _explain(problem: Any, file: YamlFile) -> list[str]:
    if not problem["loc"]:
        # A rule between parts names the key of each mistake itself.
        texts = str(problem["msg"]).removeprefix("Value error, ").split("\n")
        return [file.place(text.split(":", maxsplit=1)[0]) + text for text in texts]
    missing = problem["type"] == "missing"
    # What pydantic puts between keys (the kind of a format, of a catalogue) is no key of the file.
    known = file.known(*problem["loc"])
    key = ".".join([*known, str(problem["loc"][-1])] if missing else known)
    return [f"{file.place(key)}{key}: {_expectation(problem, key)}"]


def _expectation(problem: Any, key: str) -> str:
    if problem["type"] == "missing":
        return "missing; it is required"
    if new := RENAMED_KEYS.get(key):
        return f"unknown key; it is {new} since Nightjar 0.1.0"
    if problem["type"] == "extra_forbidden":
        return "unknown key; remove it or correct its spelling"
    text = str(problem["msg"]).removeprefix("Value error, ")
    shown = repr(problem["input"])
    shown = shown if len(shown) <= 100 else f"{shown[:100]}…"
    if problem["type"] == "string_type" and not isinstance(problem["input"], dict | list | None):
        text += "; put it in quotes"
    return text if shown in text else f"{text} (got {shown})"
