"""Check a domain file against the landing files it names: every mistake at once, then a sample of mapped rows.

Reads landing files, writes nothing. What would stop the night or send most records to quarantine is a problem; a
warning is worth a look. Started by `nightjar check-domain`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from pyspark.sql import DataFrame, SparkSession

from spark_jobs.contracts.domain import Domain, load_domain
from spark_jobs.contracts.settings import Settings
from spark_jobs.contracts.storage import landing_location
from spark_jobs.lakehouse.spark_session import spark_session
from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.landing.files import read_records, record_columns, source_view
from spark_jobs.landing.listing import LandingFile, describe_missing, list_files
from spark_jobs.ledgers.batches import cleaned_by, cleaned_otherwise
from spark_jobs.operations.domain_check import expressions as check
from spark_jobs.operations.domain_check import identifiers
from spark_jobs.operations.domain_check.domain_file import Input, inputs_of, read_file
from spark_jobs.operations.domain_check.report import CheckReport

REQUIRED = {
    "interactions": ("user_id", "item_id", "event_type", "event_at"),
    "items": ("item_id", "title"),
    "users": ("user_id",),
}
ROWS_SHOWN = 10
NAMED = 10
"""Unknown event types that are named one by one; a wrong expression can make thousands."""
TOO_MANY = 0.5
"""Share of a sample from which something that happens to single records is a mistake in the file."""
RARE = 0.01
"""Share up to which unknown event types are taken for malformed records, not for something that the file forgot."""


def run(settings: Settings, path: Path) -> CheckReport:
    """Check the file at `path`; Spark starts only when there are landing files to try it on."""
    report = CheckReport(path)
    content = read_file(path, report)
    files: dict[str, list[LandingFile]] = {}
    inputs = inputs_of(content)
    for input in inputs:
        files[input.name] = [file for file in list_files(landing_location(settings), input.pattern) if file.size]
        if not files[input.name]:
            report.problem(f"{input.key}.path", describe_missing(landing_location(settings), input.pattern))
    inputs = [input for input in inputs if files[input.name]]
    if not inputs:
        return report
    spark = spark_session(settings, f"nightjar check-domain {path.name}")
    if content.get("time_zone") in available_timezones():
        spark.conf.set("spark.sql.session.timeZone", content["time_zone"])
    with check.expecting_errors(spark):
        rows = {input.name: check_source(spark, input, files[input.name], report) for input in inputs}
    events, items = rows.get("interactions"), rows.get("items")
    if events is not None and "event_type" in events.columns:
        check_event_types(events, content.get("event_weights"), report)
    if events is not None and "event_at" in events.columns:
        check_times(events, report)
    interactions = next((input for input in inputs if input.name == "interactions"), None)
    if events is not None and interactions:
        check_ids(events, interactions, report)
    catalogue = next((input for input in inputs if input.key == "items"), None)
    have_ids = all(rows is not None and "item_id" in rows.columns for rows in (events, items))
    if catalogue and events is not None and have_ids:
        sql = next((e.sql for e in interactions.expressions if e.column == "item_id"), "") if interactions else ""
        check_items_known(events, catalogue_ids(spark, catalogue, files["items"]), sql, report)
    if not report.problems:
        tell_what_is_cleaned_again(settings, load_domain(path), report)
    return report


def tell_what_is_cleaned_again(settings: Settings, domain: Domain, report: CheckReport) -> None:
    """What the file says otherwise than when earlier batches were cleaned makes the next night clean them again."""
    lakehouse = Lakehouse.of(settings, domain)
    for ledger in REQUIRED:
        if again := cleaned_otherwise(cleaned_by(lakehouse, ledger), domain, ledger):
            text = f"the next night cleans silver.{ledger} again from bronze, {len(again)} batches"
            report.warning(ledger, f"{text}: they were cleaned by another version of this file")


def check_source(spark: SparkSession, input: Input, files: list[LandingFile], report: CheckReport) -> DataFrame | None:
    """Try every expression on a sample; the sample with the contract columns that work, None without records."""
    records, unreadable = check.read_sample(spark, files, input.format)
    for text in unreadable:
        report.problem(f"{input.key}.format", text)
    total = records.count() if records else 0
    if records is None or not total:
        if not unreadable:
            report.problem(f"{input.key}.path", f"the {len(files)} matching files hold no records")
        return None
    columns = record_columns(records)
    if suspicion := check.format_suspicion(records, columns, total):
        # A wrong delimiter is the cause of all that follows.
        tell = report.problem if suspicion.endswith("set delimiter") else report.warning
        tell(f"{input.key}.format", suspicion)
    view = source_view(records, columns)
    if input.where:
        view, total = taken(view, input, columns, total, report)
    working: dict[str, str] = {}
    for expression in input.expressions:
        problems = check.problems_of(view, columns, expression.column, expression.sql)
        for text in problems:
            report.problem(expression.key, text)
        if not problems:
            working[expression.column] = expression.sql
    nulls, errors = check.evaluate(view, working)
    key_of = {expression.column: expression.key for expression in input.expressions}
    for column, text in errors.items():
        report.problem(key_of[column], f"fails on some records: {text} Use try_cast or try_to_timestamp.")
    rows = check.mapped(view, {name: working[name] for name in nulls if not name.startswith("event_key")})
    report_nulls(input, rows, {key_of[name]: (name, count) for name, count in nulls.items()}, total, report)
    if set(REQUIRED[input.name]) <= set(nulls):
        summarise(input, rows, len(files), total, report)
    return rows


def taken(view: DataFrame, input: Input, columns: list[str], total: int, report: CheckReport) -> tuple[DataFrame, int]:
    """The records that the input's `where` takes, and their number; all of them where it does not work."""
    problems = check.problems_of(view, columns, "where", str(input.where))
    for text in problems:
        report.problem(f"{input.key}.where", text)
    if problems:
        return view, total
    kept = view.where(f"coalesce(try_cast(({input.where}) as boolean), false)")
    count = kept.count()
    report.facts.append(f"{input.name}: where leaves out {percent(total - count, total)} of the sample")
    if not count:
        report.problem(f"{input.key}.where", "takes no record of the sample")
        return view, total
    return kept, count


def report_nulls(
    input: Input, rows: DataFrame, nulls: dict[str, tuple[str, int]], total: int, report: CheckReport
) -> None:
    """Records without a required value go to quarantine: many of them mean a wrong expression."""
    for key, (column, count) in nulls.items():
        if column in REQUIRED[input.name] and count:
            text = f"NULL in {percent(count, total)} of the sample, which quarantine would take"
            tell = report.problem if count > total * TOO_MANY else report.warning
            tell(key, f"{text}; such a record: {check.example(rows, f'{column} IS NULL')}")
        elif count == total:
            report.warning(key, "NULL in every record of the sample")


def summarise(input: Input, rows: DataFrame, files: int, total: int, report: CheckReport) -> None:
    """What was read, and some mapped rows."""
    identifiers = [name for name in ("user_id", "item_id") if name in rows.columns]
    counted = rows.selectExpr(*[f"count(DISTINCT {name}) AS {name}" for name in identifiers]).first()
    distinct = ", ".join(f"{counted[name]:,} {name.removesuffix('_id')}s" for name in identifiers) if counted else ""
    report.facts.append(
        f"{input.name}: {files} landing file{'s' * (files > 1)}; a sample of {total:,} records with {distinct}"
    )
    names = [name for name in rows.columns if name != "_record"]
    report.samples[input.name] = (names, check.as_text(rows.select(names), ROWS_SHOWN))


def check_event_types(events: DataFrame, event_weights: Any, report: CheckReport) -> None:
    """Every event type found must have a weight; a weight without events is worth a look."""
    if not isinstance(event_weights, dict):
        return
    counts = check.counts_of(events, "event_type")
    known = [str(name) for name in event_weights]
    unknown = {name: count for name, count in counts.items() if name not in known}
    tell = report.problem if sum(unknown.values()) > sum(counts.values()) * RARE else report.warning
    for name, count in list(unknown.items())[:NAMED]:
        text = check.unknown_name("event type", name, known)
        tell("event_weights", f"{text} ({count:,} records of the sample have it)")
    if len(unknown) > NAMED:
        tell("event_weights", f"{len(unknown) - NAMED:,} more event types are unknown")
    for name in known:
        if name not in counts:
            report.warning(f"event_weights.{name}", "no record of the sample has this event type")


def check_ids(events: DataFrame, input: Input, report: CheckReport) -> None:
    """Placeholders, and one user with a large part of all events, are seldom meant to have lists."""
    for column in ("user_id", "item_id"):
        if column not in events.columns:
            continue
        counts, key = check.counts_of(events, column), f"interactions.columns.{column}"
        sql = next(expression.sql for expression in input.expressions if expression.column == column)
        texts = [identifiers.placeholders(counts, sql)]
        texts += [identifiers.dominant(counts)] if column == "user_id" else []
        for text in filter(None, texts):
            report.warning(key, text)


def check_times(events: DataFrame, report: CheckReport) -> None:
    """Times before 1971, after 9999 or in the future mostly mean a wrong unit."""
    times = check.time_range(events, "event_at")
    report.facts.append(f"interactions: from {times['first']} to {times['last']}")
    span = f"first {times['first']}, last {times['last']}"
    causes = {
        "early": "before 1971: seconds taken for milliseconds?",
        "future": "in the future: milliseconds taken for seconds?",
    }
    for name, cause in causes.items():
        if times[name]:
            tell = report.problem if times[name] > times["times"] * TOO_MANY else report.warning
            share = percent(times[name], times["times"])
            tell("interactions.columns.event_at", f"{share} of the times lie {cause} ({span})")


def catalogue_ids(spark: SparkSession, input: Input, files: list[LandingFile]) -> DataFrame:
    """Items of all catalogue files; a sample would make the rest look missing."""
    records = read_records(spark, [file.path for file in files], input.format)
    columns = {e.column: e.sql for e in input.expressions if e.column == "item_id"}
    return check.mapped(source_view(records, record_columns(records)), columns).select("item_id")


def check_items_known(events: DataFrame, catalogue: DataFrame, sql: str, report: CheckReport) -> None:
    """Items without a catalogue entry can't be recommended; most of them missing means identifiers that don't match."""
    missing = check.counts_of(events.join(catalogue, "item_id", "left_anti"), "item_id")
    if missing:
        lost, total = sum(missing.values()), events.count()
        tell = report.problem if lost > total * TOO_MANY else report.warning
        text = (
            f"{percent(lost, total)} of the interactions are with {len(missing):,} items that the catalogue lacks, for "
            f"example {', '.join(list(missing)[:3])}"
        )
        if tell == report.problem:
            known = [row["item_id"] for row in catalogue.where("item_id IS NOT NULL").limit(3).collect()]
            text += identifiers.mismatch(list(missing)[:20], known, sql)
        tell("items.columns.item_id", text)


def percent(part: int, whole: int) -> str:
    """A share for people; never rounded to nothing."""
    share = part / whole
    return f"{share:.1%} ({part:,})" if share >= 0.0005 else f"under 0.1% ({part:,})"
