"""The DAGs of every domain, from the DAG catalogue."""

from __future__ import annotations

import json

from spark_jobs.cli.reference.markdown import code, document, table
from spark_jobs.contracts.dag_catalog import DAGS, DagKind
from spark_jobs.contracts.domain import Domain, load_domain
from spark_jobs.contracts.job_catalog import NIGHT
from spark_jobs.contracts.settings import PROJECT_ROOT

INTRO = "Every domain has DAGs of its own, named after its file in `conf/`. See [jobs](jobs.md) for what a stage does."


def page() -> str:
    """The page as Markdown."""
    domains = [load_domain(path) for path in sorted((PROJECT_ROOT / "conf").glob("*.yaml"))]
    sections = [_section(kind, domains) for kind in DAGS]
    tasks = table(
        ("task", "what it does", "runs", "time limit"),
        [
            (code(stage.name), stage.description, _when(stage.only_if), f"{stage.timeout_minutes} minutes")
            for stage in NIGHT
        ],
    )
    return document(
        "DAGs", "dag_catalog.py, job_catalog.py and conf/", INTRO, *sections, f"## Tasks of a night\n\n{tasks}"
    )


def _when(only_if: str | None) -> str:
    return f"when `{only_if}_due` lets it" if only_if else "always"


def _section(kind: DagKind, domains: list[Domain]) -> str:
    dags = table(
        ("DAG", "domain", "schedule", "time zone"),
        [(code(kind.dag_id(one)), one.domain, _schedule(kind.schedule(one)), one.time_zone) for one in domains],
    )
    params = table(
        ("param", "type", "default", "meaning"),
        [(code(p.name), _type(p.schema["type"]), code(json.dumps(p.default)), p.description) for p in kind.params],
    )
    return "\n\n".join(filter(None, [f"## {kind.name}", kind.description, dags, params]))


def _schedule(cron: str | None) -> str:
    return code(cron) if cron else "started by hand"


def _type(kinds: str | list[str]) -> str:
    return kinds if isinstance(kinds, str) else " or ".join(kinds)
