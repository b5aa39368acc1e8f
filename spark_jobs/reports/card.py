"""The model card of a version: what it is, what it was made of, how good it is and for whom, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

STRONGEST = 15


def model_card(
    version: Any,
    domain: Any,
    decision: str,
    rows: list[dict[str, Any]],
    importance: Mapping[str, float],
    descriptions: Mapping[str, str],
    digests: Mapping[str, str],
) -> str:
    """The card from the registry's facts, the rows of the evaluation and the features with their share of gain."""
    ndcg = [row for row in rows if row["metric"] == "ndcg_at_10"]
    evaluated = sorted((row for row in ndcg if row["slice"] is None), key=lambda row: -float(row["value"]))
    strongest = sorted(importance, key=lambda name: -importance[name])[:STRONGEST]
    environment = Environment(
        loader=PackageLoader("spark_jobs.reports"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("card.md").render(
        version=version,
        domain=domain,
        decision=decision,
        evaluated=evaluated[:8],
        ndcg=next(row for row in evaluated if row["model"] == "ranker"),
        segments=[row for row in ndcg if row["model"] == "ranker" and row["slice"]],
        features=importance,
        strongest=[{"name": name, "description": descriptions.get(name, "")} for name in strongest],
        **digests,
    )
