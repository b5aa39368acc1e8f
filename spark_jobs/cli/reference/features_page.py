"""Candidate sources and the ranker's inputs."""

from __future__ import annotations

from spark_jobs.cli.reference.markdown import code, document, table
from spark_jobs.contracts.domain.policies import OFF_BY_DEFAULT
from spark_jobs.recommender.features.vocabulary import FEATURES
from spark_jobs.recommender.sources import SOURCES


def page() -> str:
    """The page as Markdown."""
    signs = {1: "may only raise the score", -1: "may only lower the score", 0: ""}
    sources = table(
        ("source", "proposes per user", "what", "reason"),
        [
            (
                code(source.name),
                f"{source.candidates_per_user}{', off' if source.name in OFF_BY_DEFAULT else ''}",
                source.description,
                source.reason_template,
            )
            for source in SOURCES.values()
        ],
    )
    rows = [
        (str(number), code(feature.name), feature.description, signs[feature.monotone])
        for number, feature in enumerate(FEATURES, 1)
    ]
    listed = table(("#", "feature", "meaning", "a larger value"), rows)
    return document(
        "Candidate sources and ranker features",
        "spark_jobs/recommender/sources/ and features/vocabulary.py",
        "Candidates come from these sources, most personal first. Ties for a row's reason are broken in this order. "
        "One that is off costs more than it was seen to bring (`benchmarks/ablation`); in the domain file "
        "`sources: {past_to_future: 80}` switches it on.",
        sources,
        f"The ranker sees {len(FEATURES)} features of a user, an item and the pair, computed by the same code for "
        "training and for scoring, from events strictly before the cutoff. It learns nothing from sources that are "
        "off; when the domain file switches off one that the latest ranker learnt from, a training is "
        "due.",
        listed,
    )
