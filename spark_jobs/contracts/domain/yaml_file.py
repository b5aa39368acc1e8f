"""YAML as domain files use it: with the line of every key, each key once, and of a bounded size."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

MAX_SIZE = 256 * 1024
"""Bytes. Airflow reads the file every half minute, at about 100 kB a second."""
MAX_NODES = 20_000
"""Values of a file after every alias is put in place, so that aliases of aliases can't fill the memory."""

Key = tuple[str, ...]


class UnreadableFileError(ValueError):
    """Not a file that can be read as YAML; `problems` says why, with lines."""

    def __init__(self, *problems: str) -> None:
        self.problems = list(problems)
        super().__init__("; ".join(problems))


@dataclass(frozen=True)
class YamlFile:
    """Content of a file, and the line of every key of it."""

    content: Any
    lines: dict[Key, int]

    def known(self, *parts: object) -> Key:
        """The longest start of a path that the file has; parts that it lacks are left out."""
        key: Key = ()
        for part in map(str, parts):
            if (*key, part) in self.lines:
                key = (*key, part)
        return key

    def place(self, key: str) -> str:
        """`line 3: ` for a dotted key, or for the part of it that is there; empty where nothing of it is."""
        line = self.lines.get(self.known(*key.split(".")))
        return f"line {line}: " if line else ""


class _Loader(yaml.SafeLoader):
    """Names the line of a value that is none, such as the date 2026-02-30, which PyYAML raises bare."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)  # type: ignore[no-untyped-call]
        except (ValueError, OverflowError) as error:
            raise UnreadableFileError(f"line {node.start_mark.line + 1}: {error} (got {node.value!r})") from None


def read_yaml(path: Path) -> YamlFile:
    """Read a file; raises UnreadableFileError."""
    try:
        return _parse(_read(path))
    except OSError as error:
        raise UnreadableFileError(f"can't be read: {error.strerror}; let the user that runs Nightjar read it") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UnreadableFileError(f"line {line}: not UTF-8 ({error.reason}); save the file as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        raise UnreadableFileError(_explain(error)) from None
    except yaml.YAMLError as error:
        raise UnreadableFileError(f"not readable as YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise UnreadableFileError("nested too deeply; a domain file has a handful of levels") from None


def _read(path: Path) -> str:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableFileError("not a file; expected a domain file (see docs/reference/domain-file.md)")
    if status.st_size > MAX_SIZE:
        raise UnreadableFileError(f"{status.st_size:,} bytes; a domain file has {MAX_SIZE:,} at most")
    return path.read_bytes().decode("utf-8-sig")


def _parse(text: str) -> YamlFile:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return YamlFile(None, {})
        lines: dict[Key, int] = {}
        twice: list[str] = []
        _walk(node, (), lines, twice, ())
        if twice:
            raise UnreadableFileError(*twice)
        return YamlFile(loader.construct_document(node), lines)  # type: ignore[no-untyped-call]
    finally:
        loader.dispose()  # type: ignore[no-untyped-call]


def _walk(node: yaml.Node, key: Key, lines: dict[Key, int], twice: list[str], above: tuple[int, ...]) -> None:
    """Note the lines of all keys below a node, and the keys that a mapping has twice."""
    line = node.start_mark.line + 1
    if id(node) in above:
        raise UnreadableFileError(f"line {line}: an anchor that holds itself")
    if len(lines) > MAX_NODES:
        raise UnreadableFileError(f"line {line}: more than {MAX_NODES:,} values, aliases included")
    above = (*above, id(node))
    if isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            lines[*key, str(number)] = value.start_mark.line + 1
            _walk(value, (*key, str(number)), lines, twice, above)
    elif isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for name, value in node.value:
            at = name.start_mark.line + 1
            text = str(name.value)
            if isinstance(name, yaml.ScalarNode) and text in seen and text != "<<":
                twice.append(f"line {at}: {'.'.join((*key, text))}: the same key as in line {seen[text]}; remove one")
            seen[text] = lines[*key, text] = at
            _walk(value, (*key, text), lines, twice, above)


def _explain(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    text = " ".join(str(part) for part in (error.context, error.problem) if part)
    if "'\\t'" in text:
        text += "; indent by spaces, not tabs"
    if "single document" in text:
        text = "several YAML documents; a domain file has one"
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return f"{place}not readable as YAML: {text}"
