"""Make the lists of a past release again, from the versions of the tables that it was made from, and compare."""

from __future__ import annotations

from dataclasses import replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.errors import NightjarError
from spark_jobs.contracts.serving import source_of
from spark_jobs.contracts.tables import TABLES
from spark_jobs.lakehouse.night import Night
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers.releases import HISTORY, creation_of, release_named
from spark_jobs.publish.score_users import ServingModel, tonights_lists
from spark_jobs.recommender.ranking.lists import COLUMNS
from spark_jobs.recommender.ranking.ranker import source_model, to_bytes
from spark_jobs.registry.model_registry import ModelRegistry

NAMES = [column.split()[0] for column in COLUMNS.split(", ")]


class NotReproducibleError(NightjarError):
    """A release can't be made again, or comes out otherwise; the message says what is gone, or differs."""


def reproduce(night: Night, name: str) -> int:
    """Rows of the release, all of which came out the same; `night` gives session, settings and the domain as it is now.

    Raises UnknownReleaseError, NotReproducibleError, or ModelNotFoundError where the registry lost the model.
    """
    lakehouse = night.lakehouse
    release, creation = release_named(lakehouse, name), creation_of(lakehouse, name)
    if creation is None or creation["domain_file"] is None:
        raise NotReproducibleError(f"Release {name} was published before releases kept what they were creation of.")
    inputs = dict(creation["inputs"])
    _require_inputs(lakehouse, name, inputs, creation["code_version"])
    kept = night.read(HISTORY).where((F.col("run_date") == F.lit(release["run_date"])) & (F.col("release") == name))
    if (rows := kept.count()) != release["rows"]:
        raise NotReproducibleError(
            f"Release {name} can't be compared: {HISTORY} holds {rows:,} of its {release['rows']:,} rows; lists are "
            "kept for NIGHTJAR_HISTORY_DAYS and for the domain's recommendations.kept_releases."
        )
    then = replace(
        night,
        domain=Domain.model_validate_json(creation["domain_file"]),
        run_date=release["run_date"],
        versions_fixed=True,
        versions_read=inputs,
    )
    registry = ModelRegistry(night.settings, night.domain)
    version = release["model_version"]
    source = source_of(version)
    content = source_model(source) if source else to_bytes(registry.load(version, creation["recorded_at"]))
    with tonights_lists(then, ServingModel(version, content)) as again:
        lists = again.lists.select(*NAMES).persist()
        try:
            _require_same(name, kept.select(*NAMES), lists, creation["code_version"], night)
        finally:
            lists.unpersist()
    return rows


def _require_inputs(lakehouse: Lakehouse, name: str, inputs: dict[str, int], code: str) -> None:
    """All tables at the versions that the release read, with the columns that the code wants of them."""
    gone = []
    for table, version in inputs.items():
        if not lakehouse.has_version(table, version):
            gone.append(f"{table} at version {version} (its log entry)")
            continue
        missing, total = lakehouse.missing_files(table, version)
        if missing:
            gone.append(f"{table} at version {version} ({missing} of {total} files)")
        _, schema = lakehouse.files(table, version)
        had = {field["name"] for field in schema["fields"]}
        if later := [column for column in TABLES[table].column_names if column not in had]:
            raise NotReproducibleError(
                f"Release {name} can't be made again by this code: {table} had no {', '.join(later)} then. Use the "
                f"code that made it, {code}."
            )
    if gone:
        raise NotReproducibleError(
            f"Release {name} can't be made again: retention removed {', '.join(gone)}. Versions are kept for "
            "NIGHTJAR_RETENTION_DAYS, and for the domain's recommendations.kept_releases."
        )


def _require_same(name: str, kept: DataFrame, again: DataFrame, code: str, night: Night) -> None:
    """Raise NotReproducibleError with a row of each side where they differ."""
    gone, new = kept.exceptAll(again), again.exceptAll(kept)
    if missing := gone.count():
        first = gone.orderBy("user_id", "rank").first()
        theirs = new.orderBy("user_id", "rank").first()
        changed = "" if code == night.code_version else f" It was made by code {code}, this is {night.code_version}."
        raise NotReproducibleError(
            f"Release {name} comes out otherwise: {missing:,} rows differ, such as {first and first.asDict()}, which "
            f"is now {theirs and theirs.asDict()}.{changed}"
        )
    if more := new.count():
        raise NotReproducibleError(f"Release {name} comes out with {more:,} rows that were not published.")
