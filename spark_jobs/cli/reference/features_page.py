"""The ranker's inputs."""

from __future__ import annotations

from spark_jobs.cli.reference.markdown import code, codes, document, table
from spark_jobs.contracts.features import FEATURES, SOURCES


def page() -> str:
    """The page as Markdown."""
    signs = {1: "may only raise the score", -1: "may only lower the score", 0: ""}
    intro = (
        f"The ranker sees {len(FEATURES)} features of a user, an item and the pair, computed by the same code for "
        "training and for scoring, from events strictly before the snapshot's date (the cut)."
    )
    sources = (
        f"Candidate sources, most personal first: {codes(SOURCES)}. Ties for a row's reason are broken in this order."
    )
    rows = [
        (str(number), code(feature.name), feature.meaning, signs[feature.monotone])
        for number, feature in enumerate(FEATURES, 1)
    ]
    listed = table(("#", "feature", "meaning", "a larger value"), rows)
    return document("Ranker features", "spark_jobs/contracts/features.py", intro, sources, listed)
