"""Write the archive of Spark's classes that every later JVM starts from (class data sharing). Run by set-up, in .venv.

A Spark job of its own kind loads the classes that nights need; the JVM writes them to .tools/spark.jsa when it ends.
Where Java can't write archives, there is none, and everything works, seconds slower.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import pyarrow as pa  # noqa: E402
from delta.tables import DeltaTable  # noqa: E402
from pyspark.sql import SparkSession, Window  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402

from spark_jobs.contracts.settings import load_settings  # noqa: E402
from spark_jobs.contracts.spark import CLASS_ARCHIVE, java_options, launch_conf, session_conf  # noqa: E402
from spark_jobs.contracts.spark import spark_environment as environment  # noqa: E402


def work(spark: SparkSession, folder: str) -> None:
    """What nights do, on a few rows."""
    table = f"{folder}/table"
    rows = spark.range(100).select(
        (F.col("id") % 7).cast("string").alias("key"), "id", F.current_timestamp().alias("at")
    )
    rows.write.format("delta").partitionBy("key").save(table)
    rows.where("key = '1'").write.format("delta").mode("overwrite").option("replaceWhere", "key = '1'").save(table)
    old, new = DeltaTable.forPath(spark, table).alias("old"), rows.alias("new")
    old.merge(new, "old.id = new.id").whenNotMatchedInsertAll().execute()
    read = spark.read.format("delta").option("versionAsOf", 1).load(table).persist()
    best = Window.partitionBy("key").orderBy(F.desc("id"))
    ranked = read.withColumn("place", F.row_number().over(best)).where("place < 3")
    listed = ranked.groupBy("key").agg(F.collect_list(F.struct("id", "at")).alias("rows"), F.count_if(F.col("id") > 3))
    listed.join(F.broadcast(read.select("key").distinct()), "key", "full").mapInArrow(same, listed.schema).count()
    listed.createOrReplaceTempView("listed")
    older = "SELECT 'older', count_if(exists(rows, r -> r.id < 0)) FROM listed"
    spark.sql(f"SELECT key, count(*) FROM listed GROUP BY key UNION ALL {older}").collect()


def same(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The batches as they are."""
    return iter(batches)


def main() -> None:
    """Run the job in a JVM that archives its classes, and put the archive in place in one step."""
    settings = load_settings()
    os.environ.update(environment(settings))
    CLASS_ARCHIVE.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        written = f"{folder}/spark.jsa"
        conf = session_conf(settings) | launch_conf(settings, "local[2]")
        conf |= {"spark.driver.extraJavaOptions": " ".join(java_options(settings, archive=written))}
        builder = SparkSession.builder.appName("class archive").master("local[2]")
        for key, value in conf.items():
            builder = builder.config(key, value)
        spark = builder.getOrCreate()
        work(spark, folder)
        gateway = spark.sparkContext._gateway
        spark.stop()
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait(timeout=120)
        if Path(written).is_file():
            partial = CLASS_ARCHIVE.with_suffix(".partial")
            partial.write_bytes(Path(written).read_bytes())
            partial.rename(CLASS_ARCHIVE)


if __name__ == "__main__":
    main()
