"""Every table: columns, types, meaning, key, partitioning, and the jobs that write and read it."""

from __future__ import annotations

from spark_jobs.cli.reference.markdown import code, codes, document, table
from spark_jobs.contracts.job_catalog import JOBS
from spark_jobs.contracts.tables import TABLES, Table

LAYERS = {
    "bronze": "Records as received.",
    "quarantine": "Records refused, each with its reason.",
    "silver": "Typed, checked, deduplicated.",
    "gold": "What training, scoring and consumers read.",
    "ops": "What happened, to be queried like any other table.",
}


def page() -> str:
    """The page as Markdown."""
    intro = (
        "All tables are Delta tables at `<home>/lakehouse/<domain>/<layer>/<name>`, reader version 1, writer "
        "version 2. Types are Spark's. Every job run is also recorded in `ops.runs`, every quality check in "
        "`ops.quality_results`."
    )
    parts = [intro]
    for layer in dict.fromkeys(contract.layer for contract in TABLES.values()):
        parts.append(f"## {layer}\n\n{LAYERS[layer]}")
        parts += [_section(contract) for contract in TABLES.values() if contract.layer == layer]
    return document("Tables", "spark_jobs/contracts/tables/ and job_catalog.py", *parts)


def _section(contract: Table) -> str:
    name = contract.full_name
    facts = [
        ("Key", codes(contract.key)),
        ("Partitioned by", codes(contract.partition_by)),
        ("Written by", codes(job.name for job in JOBS.values() if name in job.outputs)),
        ("Read by", codes(job.name for job in JOBS.values() if name in job.inputs)),
        ("Checked after", codes(job.name for job in JOBS.values() if name in job.gates)),
    ]
    lines = [f"- {label}: {text}" for label, text in facts if text]
    columns = table(
        ("column", "type", "NULL", "meaning"),
        [
            (code(column.name), code(column.type), "yes" if column.nullable else "no", column.description)
            for column in (*contract.columns, *([contract.extra_columns] if contract.extra_columns else []))
        ],
    )
    return "\n\n".join(filter(None, [f"### {name}", contract.description, "\n".join(lines), columns]))
