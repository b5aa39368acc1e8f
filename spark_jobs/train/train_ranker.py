"""Fit the ranker on the training examples, log it to MLflow and register the version.

It is fitted twice with equal parameters: to what was known before the test window, which is what the test measures, and
to all labels until tonight, which is what serves. Reads gold.training_examples. Where the newest version of the date is
from equal examples by the same code, a rerun trains nothing; an older one won't do, as later jobs take the newest.
"""

from __future__ import annotations

from pyspark.sql import functions as F

from spark_jobs.contracts.code_version import is_reproducible
from spark_jobs.lakehouse.night import Night
from spark_jobs.recommender.features.vocabulary import features_with
from spark_jobs.recommender.ranking.device import training_device
from spark_jobs.recommender.ranking.examples import real_rows
from spark_jobs.recommender.ranking.params import PARAMS
from spark_jobs.recommender.ranking.training import content_digest, fit
from spark_jobs.recommender.ranking.training_rows import one_worker
from spark_jobs.recommender.sources import sources_on
from spark_jobs.registry.model_registry import LEARNT_UNTIL, ModelRegistry, TableVersion


def run(night: Night) -> None:
    """Train unless equal examples gave the newest version of this date."""
    examples = night.require_rows("gold.training_examples", "no user took anything in the label windows")
    registry, device = ModelRegistry(night.settings, night.domain), training_device(night.settings.device, night.spark)
    rows = night.lakehouse.count("gold.training_examples")
    threads = one_worker(night.spark, rows, "Training on")
    names = features_with(sources_on(night.domain.sources))
    digest = content_digest(examples, names, device, night.code_version, night.domain.train.prefer_smaller)
    newest = registry.trained_on(night.run_date)
    if is_reproducible(night.settings) and newest and newest.tags.get("examples_digest") == digest:
        return
    fitted = fit(examples, names, device, threads)
    test = examples.agg(F.max("as_of")).collect()[0][0]
    registry.register(
        fitted["label"],
        tested=fitted["label_tested"],
        params={**PARAMS, "device": device, "examples": rows},
        domain=night.domain,
        inputs=[TableVersion(name, night.lakehouse.uri(name), v) for name, v in night.versions_read.items()],
        tags={
            "run_date": str(night.run_date),
            LEARNT_UNTIL: str(test),
            "examples_digest": digest,
            "code_version": night.code_version,
        },
        example=real_rows(examples, names),
    )
