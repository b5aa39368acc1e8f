"""The night: stages, jobs, what each reads, writes and is checked by."""

from __future__ import annotations

from spark_jobs.cli.reference.markdown import code, codes, document, fenced, table
from spark_jobs.contracts.job_catalog import JOBS, NIGHT, Stage

INTRO = """A night runs these stages in order, each as one task of the nightly DAG and one Spark application;
`nightjar night` runs the same jobs in a single one. The run date D is the night that starts D: only events before
D 00:00 in the domain's time zone count. A critical expectation that fails on a checked table stops the night; what is
served then stays what it was."""


def page() -> str:
    """The page as Markdown."""
    return document(
        "Jobs of the night",
        "spark_jobs/contracts/job_catalog.py",
        INTRO,
        fenced(graph(), "mermaid"),
        *[_section(number, stage) for number, stage in enumerate(NIGHT, 1)],
    )


def graph() -> str:
    """Stages with their jobs; an arrow leads from a job to those that read what it wrote."""
    lines = ["flowchart TB"]
    for stage in NIGHT:
        title = f"{stage.name}, if due" if stage.only_if else stage.name
        lines.append(f'  subgraph {stage.name}_stage["{title}"]')
        lines += [f"    {job.name}" for job in stage.jobs]
        lines.append("  end")
    return "\n".join([*lines, *[f"  {writer} --> {reader}" for writer, reader in edges()]])


def edges() -> list[tuple[str, str]]:
    """Pairs (job, later job that reads a table it wrote); ops tables tie everything together and are left out."""
    jobs = list(JOBS.values())
    return [
        (writer.name, reader.name)
        for number, writer in enumerate(jobs)
        for reader in jobs[number + 1 :]
        if any(table in reader.inputs and not table.startswith("ops.") for table in writer.outputs)
    ]


def _section(number: int, stage: Stage) -> str:
    condition = f" Only when the night decided to {stage.only_if} (`ops.decisions`)." if stage.only_if else ""
    about = f"{stage.description}{condition} At most {stage.timeout_minutes} minutes."
    rows = [
        (code(job.name), job.description, codes(job.inputs, "–"), codes(job.outputs, "–"), codes(job.gates, "–"))
        for job in stage.jobs
    ]
    jobs = table(("job", "what it does", "reads", "writes", "checked"), rows)
    return f"## {number}. {stage.name}\n\n{about}\n\n{jobs}"
