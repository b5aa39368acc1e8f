"""What an evaluation measures."""

from __future__ import annotations

from spark_jobs.cli.reference.markdown import code, document, table
from spark_jobs.recommender.evaluation.metrics import MEANINGS

INTRO = """Metrics of every contender (the ranker and each source alone) on the same users: those who had events before
the newest cut and took something after it. Per user in `gold.evaluation_users`; means with 95 % user-bootstrap
intervals in `ops.model_metrics` and in MLflow."""


def page() -> str:
    """The page as Markdown."""
    listed = table(("metric", "meaning"), [(code(name), meaning) for name, meaning in MEANINGS.items()])
    return document("Metrics", "spark_jobs/recommender/evaluation/metrics.py", INTRO, listed)
