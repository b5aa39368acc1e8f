"""Releases as people see them: `nightjar releases`, `nightjar rollback`."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from spark_jobs.contracts.domain import find_domain
from spark_jobs.contracts.settings import Settings
from spark_jobs.lakehouse.decisions import pinned
from spark_jobs.lakehouse.releases import ROLLBACK, published, serving
from spark_jobs.lakehouse.tables import Lakehouse, NotWrittenError


def show(settings: Settings, domain_name: str, limit: int, console: Console) -> None:
    """Print the latest releases, newest first, with their model's quality, and a pin if there is one."""
    domain = find_domain(settings.conf_dir, domain_name)
    lakehouse = Lakehouse.of(settings, domain)
    rows, now = published(lakehouse, limit), serving(lakehouse)
    if now is None:
        raise NotWrittenError(f"{domain_name} has published nothing yet; run a night first.")
    quality = _ndcg(lakehouse)
    table = Table(box=None, pad_edge=False)
    table.add_column("release", no_wrap=True)
    for name in ("run date", "model", "NDCG@10", "users", "rows", "new", ""):
        table.add_column(name)
    marked = False
    for row in rows:
        current = not marked and row["release"] == now.release and row["serving"]
        marked |= current
        told = "serving" if current else "" if row["serving"] else "older than what was served"
        if row["kind"] == ROLLBACK:
            told = f"{told} rollback by {row['by']}: {row['reason']}".strip()
        ndcg = quality.get(row["model_version"])
        table.add_row(
            row["release"],
            str(row["run_date"]),
            row["model_version"],
            "" if ndcg is None else f"{ndcg:.4f}",
            f"{row['users']:,}",
            f"{row['rows']:,}",
            "" if row["churn"] is None else f"{row['churn']:.0%}",
            escape(told),
        )
    console.print(table)
    if pin := pinned(lakehouse, domain.tonight()):
        console.print(
            f"Pinned: version {pin.model_version} stays until nightjar models promote ({escape(pin.reason)})",
            soft_wrap=True,
        )


def _ndcg(lakehouse: Lakehouse) -> dict[str, float]:
    """NDCG@10 of each model version, as evaluated last."""
    if not lakehouse.exists("ops.model_metrics"):
        return {}
    rows = lakehouse.query(
        "SELECT model_version, value FROM m WHERE contender = 'ranker' AND metric = 'ndcg_at_10' AND slice IS NULL "
        "ORDER BY recorded_at",
        m="ops.model_metrics",
    ).to_pylist()
    return {row["model_version"]: row["value"] for row in rows}
