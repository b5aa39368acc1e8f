"""The one Spark session of a process, configured for Delta and for small machines."""

from __future__ import annotations

import os

from pyspark.sql import SparkSession

from spark_jobs.contracts.settings import Settings
from spark_jobs.contracts.spark import launch_conf, session_conf, spark_environment


def spark_session(settings: Settings, name: str, events: int = 0) -> SparkSession:
    """Start (or get) the session called `name`, for work on about so many events.

    Under spark-submit the JVM runs already, so its master and launch settings are left alone. Raises SetUpError where
    the Delta JARs are missing.
    """
    builder = SparkSession.builder.appName(name)  # type: ignore[attr-defined]
    conf = session_conf(settings)
    if "NIGHTJAR_SUBMITTED" not in os.environ:
        os.environ.update(spark_environment(settings))
        builder = builder.master(settings.spark_master)
        conf |= launch_conf(settings, settings.spark_master, events)
    for key, value in conf.items():
        builder = builder.config(key, value)
    session: SparkSession = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session
