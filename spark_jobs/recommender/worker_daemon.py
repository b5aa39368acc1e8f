"""Spark's Python daemon with what workers need already imported: they are forked from it, ready, and share its memory.

Each worker would spend more than a second of a core on imports of its own, and a night has a dozen of them.
"""

from pyspark.daemon import manager

import spark_jobs.recommender.ranking.lists  # noqa: F401

if __name__ == "__main__":
    manager()
