"""Smaller and simpler models that a training compares itself with."""

from __future__ import annotations

from spark_jobs.cli.reference.markdown import code, document, table
from spark_jobs.recommender.variants.variants import VARIANTS

INTRO = """A training night says what a smaller or simpler model would have cost: `ops.model_variants`, and a table and
a plot in the report. Variants are trained on the same rows as the ranker and measured on the same users of the test
window, in this order while `train.compare_seconds` last; `best_source` is the best candidate source alone. With
`train.prefer_smaller: 0.5%` the smallest ranker that loses at most that share of NDCG@10 goes on to promotion (models
of scikit-learn are compared and never served).

Half precision saves no bytes: files of XGBoost and ONNX's tree ensembles keep floats. Integers are no variant:
onnxruntime can't quantise tree ensembles."""


def page() -> str:
    """The page as Markdown."""
    listed = table(("variant", "what"), [(code(variant.name), variant.description) for variant in VARIANTS])
    return document("Variants", "spark_jobs/recommender/variants/variants.py", INTRO, listed)
