"""Every quality rule: table, rule, severity."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from spark_jobs.cli.reference.markdown import code, codes, document, table
from spark_jobs.contracts.job_catalog import JOBS
from spark_jobs.contracts.settings import PROJECT_ROOT

INTRO = """One Great Expectations suite per table in `expectations/`. A *critical* rule that fails stops the night; a
*warning* is only recorded. Both are rows of `ops.quality_results`. Edit the JSON to change a rule."""
SHOWN = 6


def page(folder: Path = PROJECT_ROOT / "expectations") -> str:
    """The page as Markdown."""
    suites = sorted(folder.glob("*.json"))
    return document("Expectations", "expectations/*.json", INTRO, *[_section(path) for path in suites])


def _section(path: Path) -> str:
    suite = json.loads(path.read_text(encoding="utf-8"))
    gates = codes(job.name for job in JOBS.values() if path.stem in job.gates)
    checked = f"Checked after {gates}." if gates else ""
    rows = [(_words(rule), code(_call(rule)), str(rule.get("severity", "critical"))) for rule in suite["expectations"]]
    return "\n\n".join(filter(None, [f"## {path.stem}", checked, table(("rule", "expectation", "severity"), rows)]))


def _words(rule: dict[str, Any]) -> str:
    meta = rule.get("meta") or {}
    return str(rule.get("description") or meta.get("notes") or rule["type"].removeprefix("expect_").replace("_", " "))


def _call(rule: dict[str, Any]) -> str:
    arguments = ", ".join(f"{name}={_value(value)}" for name, value in rule.get("kwargs", {}).items())
    return f"{rule['type']}({arguments})"


def _value(value: Any) -> str:
    if isinstance(value, list) and len(value) > SHOWN:
        return json.dumps(value[:SHOWN])[:-1] + f", and {len(value) - SHOWN} more]"
    return json.dumps(value)
