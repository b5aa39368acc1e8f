"""What an evaluation measures."""

from __future__ import annotations

from spark_jobs.cli.reference.markdown import code, document, table
from spark_jobs.recommender.evaluation.baselines import DESCRIPTIONS as BASELINE_DESCRIPTIONS
from spark_jobs.recommender.evaluation.metrics import DESCRIPTIONS

INTRO = """Every model is measured on the same users: those who had events before the newest cutoff and took
something after it, over the full eligible catalogue; people who came for the first time are a slice of their own,
`users: first-time`, and in no other figure. They are tonight's `ranker`, the `champion`, the ranker `diversified` as
its domain's `recommendations.coverage` wants it, every source alone, and the baselines below. Per user in
`gold.evaluation_users`; means with 95 % user-bootstrap intervals, and the ranker's paired difference to each
other one, in `ops.model_metrics`, in MLflow and in the report (`<home>/reports/<domain>/<run date>/report.html`)."""


def page() -> str:
    """The page as Markdown."""
    listed = table(("metric", "meaning"), [(code(name), meaning) for name, meaning in DESCRIPTIONS.items()])
    baselines = table(
        ("baseline", "lists by"), [(code(name), meaning) for name, meaning in BASELINE_DESCRIPTIONS.items()]
    )
    return document("Metrics", "spark_jobs/recommender/evaluation/metrics.py", INTRO, listed, "## Baselines", baselines)
