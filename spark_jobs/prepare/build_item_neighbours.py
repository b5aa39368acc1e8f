"""Item-to-item models: co-visitation, transitions and linear regressions, for each item the items it speaks for.

Reads gold.user_histories, writes gold.item_neighbours for the same snapshots.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame

from spark_jobs.lakehouse.night import Night
from spark_jobs.planning.snapshots import histories_of, replace_snapshots
from spark_jobs.recommender.sources import sources_on
from spark_jobs.recommender.sources.item_models import MODELS, item_models


def run(night: Night) -> None:
    """Learn every model of a source that is on, as of every snapshot that is not there yet.

    Item-to-item is learnt in any case: features use it.
    """
    on = sources_on(night.domain.sources)
    names = [name for name in MODELS if name in on]

    def build(days: list[date]) -> DataFrame:
        return item_models(histories_of(night, days), names)

    replace_snapshots(night, "gold.item_neighbours", build, rests_on=lambda _: " ".join(names), ages=False)
