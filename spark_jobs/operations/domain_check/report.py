"""What a check of a domain file found."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from spark_jobs.contracts.domain.yaml_file import YamlFile


@dataclass
class CheckReport:
    """What a check of a domain file found.

    `problems` must be corrected, `warnings` are worth a look, `facts` say what was read; `samples` holds column
    names and rows of text per source.
    """

    path: Path
    file: YamlFile = field(default_factory=lambda: YamlFile(None, {}))
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    samples: dict[str, tuple[list[str], list[list[str]]]] = field(default_factory=dict)

    def problem(self, key: str, text: str) -> None:
        """Add a mistake at `key` of the file; the same one twice counts once."""
        self._add(self.problems, key, text)

    def warning(self, key: str, text: str) -> None:
        """Add something that is allowed but seldom meant."""
        self._add(self.warnings, key, text)

    def _add(self, lines: list[str], key: str, text: str) -> None:
        line = f"{self.path}: {self.file.place(key)}{key}: {text}"
        if line not in lines:
            lines.append(line)
