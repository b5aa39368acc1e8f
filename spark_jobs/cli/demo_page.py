"""The page a demo ends with: people and their lists, quality beside the baselines, times, what to try next."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from spark_jobs.cli.job_costs import costs_of
from spark_jobs.contracts.settings import Settings
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers.releases import serving
from spark_jobs.views.user_lists import user_list

PEOPLE = 3


def show_page(
    settings: Settings, domain: str, stages: dict[str, float], total_seconds: float, console: Console
) -> None:
    """Print the page."""
    for user in people(settings, domain):
        show_person(settings, domain, user, console)
    show_quality(settings, domain, console)
    show_times(stages, total_seconds, console)
    show_costs(settings, domain, console)
    show_next(settings, domain, console)


def people(settings: Settings, domain: str) -> list[str]:
    """Three users with middling histories and no favourite in common, the same every time."""
    rows = (
        Lakehouse.of(settings, domain)
        .query(
            "SELECT h.user_id, h.item_ids FROM histories h JOIN (SELECT max(run_date) AS day FROM served) d "
            "ON h.as_of = d.day WHERE h.events_total BETWEEN 40 AND 120 "
            "ORDER BY h.tenure_days - h.events_total, h.user_id",
            histories="gold.user_histories",
            served="gold.recommendations",
        )
        .to_pylist()
    )
    chosen: list[str] = []
    seen: set[str] = set()
    for row in rows:
        latest = set(row["item_ids"][-5:])
        if not latest & seen:
            chosen.append(row["user_id"])
            seen |= latest
        if len(chosen) == PEOPLE:
            break
    return chosen


def show_person(settings: Settings, domain: str, user: str, console: Console) -> None:
    """One person's latest history and top ten with reasons."""
    published = user_list(settings, domain, user, limit=10)
    console.print(f"\n[bold]User {escape(user)}[/bold]  latest: {escape('; '.join(published.latest_history))}")
    table = Table("#", "recommended", "why", "source", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for row in published.recommendations:
        table.add_row(str(row.rank), escape(row.title), escape(row.reason), row.sources[0])
    console.print(table)


def show_quality(settings: Settings, domain: str, console: Console) -> None:
    """The latest ranker beside popularity and the best baseline, on the same users of the test window."""
    lakehouse = Lakehouse.of(settings, domain)
    rows: list[dict[str, Any]] = lakehouse.query(
        "SELECT * FROM metrics WHERE slice IS NULL AND recorded_at = "
        "(SELECT max(recorded_at) FROM metrics WHERE metric = 'ndcg_at_10')",
        metrics="ops.model_metrics",
    ).to_pylist()
    served = serving(lakehouse)
    ours = "champion" if served and served.model_version == rows[0]["model_version"] else "ranker, which does not serve"
    values = {(row["model"], row["metric"]): row for row in rows}
    baselines = {name for name, metric in values if metric == "ndcg_at_10"} - {"ranker", "champion", "diversified"}
    best = max(baselines, key=lambda name: values[name, "ndcg_at_10"]["value"])
    users = values["ranker", "ndcg_at_10"]["users"]
    table = Table(
        "", "NDCG@10", "Recall@20", title=f"\nOn {users} returning users of the test window (95 % interval)", box=None
    )
    table.title_justify = "left"
    for name, label in (("ranker", ours), ("popularity", "popularity"), (best, f"best baseline: {best}")):
        cells = [values[name, metric] for metric in ("ndcg_at_10", "recall_at_20")]
        table.add_row(
            label,
            *[f"{cell['value']:.3f} [{cell['low']:.3f}, {cell['high']:.3f}]".replace("[", "\\[") for cell in cells],
        )
    console.print(table)


def show_times(stages: dict[str, float], total: float, console: Console) -> None:
    """How long each stage took."""
    parts = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in stages.items())
    console.print(f"\n[bold]Times[/bold]  {parts}; all with Airflow {total:.0f} s", soft_wrap=True)


def show_costs(settings: Settings, domain: str, console: Console) -> None:
    """The three most expensive jobs of the night that is served."""
    served = Lakehouse.of(settings, domain).query("SELECT max(run_date) AS day FROM s", s="gold.recommendations")
    rows = sorted(costs_of(settings, domain, served["day"][0].as_py()), key=lambda row: -row["seconds"])[:3]
    costs = [
        f"{row['job']} {row['seconds']:.1f} s ({row['gate_seconds']:.1f} in gates, {row['spark_jobs']} Spark jobs)"
        for row in rows
    ]
    console.print(f"[bold]Most expensive[/bold]  {'; '.join(costs)}", soft_wrap=True)


def show_next(settings: Settings, domain: str, console: Console) -> None:
    """Commands to go on with."""
    table = Lakehouse.of(settings, domain).uri("gold.recommendations")
    report = max((settings.home / "reports" / domain).glob("*/report.html"))
    console.print("\n[bold]Next[/bold]")
    for command, what in (
        (f".venv/bin/nightjar recommendations --domain {domain} --user 42", "another user, without a JVM"),
        ("make airflow", "the web UI with the nightly DAGs"),
        (f"open {report}", "how good the ranker is, and where"),
        (f"open {settings.home / 'data_docs' / domain / 'index.html'}", "what the quality gates found"),
        (f".venv/bin/python -c \"import polars as pl; print(pl.read_delta('{table}'))\"", "the published table"),
    ):
        console.print(f"  {escape(command)}   [dim]# {what}[/dim]", soft_wrap=True)
