"""Every environment variable that Nightjar reads its settings from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spark_jobs.cli.reference.domain_types import type_text
from spark_jobs.cli.reference.markdown import code, document, table
from spark_jobs.contracts.settings import PROJECT_ROOT, Settings


def page() -> str:
    """The page as Markdown."""
    intro = (
        "Settings of one installation come from environment variables; what describes a shop is in its "
        "[domain file](domain-file.md). A value that can't be used is refused with the variable's name."
    )
    rows = [
        (code(f"NIGHTJAR_{name.upper()}"), type_text(info.annotation), _default(info.default), info.description or "")
        for name, info in Settings.model_fields.items()
    ]
    listed = table(("variable", "type", "default", "meaning"), rows)
    return document("Settings", "spark_jobs/contracts/settings.py", intro, listed)


def _default(value: Any) -> str:
    if value is None:
        return "unset"
    if isinstance(value, Path) and value.is_relative_to(PROJECT_ROOT):
        # Where the project lies differs between machines, the page must not.
        return code(f"<project>/{value.relative_to(PROJECT_ROOT)}")
    return code(str(value))
