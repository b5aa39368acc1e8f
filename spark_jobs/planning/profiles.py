"""The compact profile of a night: its last day of events, what was landed, and its lists, in counts and histograms."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from spark_jobs.lakehouse.night import Night
from spark_jobs.lakehouse.tables import literal
from spark_jobs.ledgers import batches, releases
from spark_jobs.recommender.monitoring.drift import Profile
from spark_jobs.recommender.monitoring.measures import MEASURES

EVENTS, ITEMS, SERVED, FEATURES = "silver.interactions", "silver.items", "gold.recommendations", "gold.item_features"
CATEGORIES = 50
"""Categories with a bin of their own; the others share one."""


def profiles_of(night: Night) -> list[Profile]:
    """All measures of the night."""
    return [*profiles_of_events(night), *profiles_of_landing(night), *profiles_of_lists(night)]


def profiles_of_events(night: Night) -> list[Profile]:
    """Of the day before the run date."""
    end = night.as_of
    start = night.domain.start_of(night.run_date - timedelta(days=1))
    day = f"event_at >= {_moment(start)} AND event_at < {_moment(end)}"
    found: list[Profile] = []
    (totals,) = _query(
        night,
        "SELECT count(*) AS events, count(DISTINCT user_id) AS users, count(DISTINCT item_id) AS items, "
        f"count(*) - count(value) AS no_value FROM events WHERE {day}",
    )
    events, users = totals["events"], totals["users"]

    def profile(measure: str, value: Any = None, bins: dict | None = None, part: str | None = None) -> None:
        found.append(_profile(night, measure, users, value, bins, part))

    for name in ("events", "users", "items"):
        profile(name, totals[name])
    by_type = _bins(_query(night, f"SELECT event_type AS bin, count(*) AS n FROM events WHERE {day} GROUP BY 1"))
    for name in sorted(by_type):
        profile("events", by_type[name], part=name)
    if not events:
        return found
    per_user = f"SELECT user_id, count(*) AS n FROM events WHERE {day} GROUP BY user_id"
    (largest,) = _query(night, f"SELECT max(n) AS n FROM ({per_user})")
    (new,) = _query(
        night,
        f"SELECT count(*) AS n FROM (SELECT user_id FROM events WHERE event_at < {_moment(end)} GROUP BY user_id "
        f"HAVING min(event_at) >= {_moment(start)})",
    )
    profile("largest_user", largest["n"] / events)
    profile("new_users", new["n"] / users)
    profile("without_value", totals["no_value"] / events)
    profile("event_types", bins=by_type)
    hour = f"CAST((CAST(event_at AS BIGINT) - {int(start.timestamp() * 1e6)}) / 3600000000 AS INT)"
    profile(
        "hours", bins=_bins(_query(night, f"SELECT {hour} AS bin, count(*) AS n FROM events WHERE {day} GROUP BY 1"))
    )
    valued = f"SELECT {_power('value')} AS bin, count(*) AS n FROM events WHERE value IS NOT NULL AND {day} GROUP BY 1"
    if bins := _bins(_query(night, valued)):
        profile("values", bins=bins)
    per_power = f"SELECT CAST(floor(log(2.0, n)) AS INT) AS bin, count(*) AS n FROM ({per_user}) GROUP BY 1"
    profile("events_per_user", bins=_bins(_query(night, per_power)))
    if night.lakehouse.exists(ITEMS):
        category = f"SELECT {_CATEGORY} AS bin, count(*) AS n FROM events e LEFT JOIN ({_LATEST}) i"
        named = _query(night, f"{category} ON e.item_id = i.item_id WHERE {day} GROUP BY 1", items=ITEMS)
        unknown = sum(row["n"] for row in named if row["bin"] is None)
        profile("unknown_items", unknown / events)
        profile("categories", bins=_categories(named))
    return found


def profiles_of_landing(night: Night) -> list[Profile]:
    """Of the batches of interactions that landed tonight."""
    tonight = f"{night.run_date}-"
    latest = batches.latest(night.lakehouse, "interactions")
    outcomes = [row for name, row in latest.items() if name.startswith(tonight) and row["refused"] is None]
    records = sum(row["received"] for row in outcomes)
    found = [_profile(night, "records", records, records)]
    if records:
        refused, repeated = (sum(row[name] for row in outcomes) for name in ("quarantined", "duplicates"))
        found.append(_profile(night, "refused", records, refused / records))
        found.append(_profile(night, "duplicates", records, repeated / records))
        yesterday = _moment(night.domain.start_of(night.run_date - timedelta(days=1)))
        (late,) = _query(
            night,
            f"SELECT count(*) AS n, count(*) FILTER (WHERE event_at < {yesterday}) AS late, "
            f"count(DISTINCT user_id) AS users FROM events WHERE batch_id LIKE {literal(tonight + '%')}",
        )
        if late["n"]:
            found.append(_profile(night, "late", late["users"], late["late"] / late["n"]))
    return found


def profiles_of_lists(night: Night) -> list[Profile]:
    """Of what serves, where tonight published it."""
    serving = releases.serving(night.lakehouse)
    if serving is None or serving.run_date != night.run_date:
        return []
    table = (SERVED, night.read_version(SERVED))
    (totals,) = night.lakehouse.query(
        "SELECT count(DISTINCT user_id) AS users, count(*) FILTER (WHERE rank <= 10) AS places, "
        "count(DISTINCT CASE WHEN rank <= 10 THEN item_id END) AS items FROM lists",
        lists=table,
    ).to_pylist()
    users = totals["users"]
    (largest,) = night.lakehouse.query(
        "SELECT max(n) AS n FROM (SELECT count(*) AS n FROM lists WHERE rank <= 10 GROUP BY item_id)", lists=table
    ).to_pylist()
    by_source = night.lakehouse.query("SELECT sources[1] AS bin, count(*) AS n FROM lists GROUP BY 1", lists=table)
    tonight = f"as_of = DATE '{night.run_date}'"
    features = (FEATURES, night.read_version(FEATURES))
    (eligible,) = night.lakehouse.query(
        f"SELECT count(*) AS n FROM f WHERE eligible AND {tonight}", f=features
    ).to_pylist()
    by_category = night.lakehouse.query(
        f"SELECT {_CATEGORY} AS bin, count(*) AS n FROM lists e JOIN f i ON e.item_id = i.item_id "
        f"WHERE rank <= 10 AND i.{tonight} GROUP BY 1",
        lists=table,
        f=features,
    ).to_pylist()
    margin = "SELECT max(CASE WHEN rank = 1 THEN score END) - max(CASE WHEN rank = 10 THEN score END) AS m FROM lists"
    margins = night.lakehouse.query(
        f"SELECT {_power('m')} AS bin, count(*) AS n FROM ({margin} GROUP BY user_id) WHERE m IS NOT NULL GROUP BY 1",
        lists=table,
    ).to_pylist()
    published = releases.release_named(night.lakehouse, serving.release)
    found = [
        _profile(night, "lists", users, users),
        _profile(night, "coverage", users, totals["items"] / max(eligible["n"], 1)),
        _profile(night, "largest_item", users, largest["n"] / max(users, 1)),
        _profile(night, "sources", users, bins=_bins(by_source.to_pylist())),
        _profile(night, "listed_categories", users, bins=_categories(by_category)),
    ]
    if margins:
        version = f"model {serving.model_version}"
        found.append(_profile(night, "margins", users, bins=_bins(margins), part=version))
    if published["churn"] is not None:
        found.append(_profile(night, "churn", users, published["churn"]))
    return found


_LATEST = "SELECT item_id, last_value(categories ORDER BY valid_from) AS categories FROM items GROUP BY item_id"
_CATEGORY = "CASE WHEN i.item_id IS NULL THEN NULL ELSE coalesce(i.categories[-1], 'none') END"


def _profile(
    night: Night, measure: str, users: int, value: Any = None, bins: dict | None = None, part: str | None = None
) -> Profile:
    kind, _ = MEASURES[measure]
    return Profile(night.run_date, measure, part, kind, users, None if value is None else float(value), bins)


def _query(night: Night, sql: str, **tables: str) -> list[dict[str, Any]]:
    versions = {name: (table, night.read_version(table)) for name, table in (tables | {"events": EVENTS}).items()}
    return list(night.lakehouse.query(sql, **versions).to_pylist())


def _power(column: str) -> str:
    """SQL for the bin of a number: halves of powers of two."""
    return (
        f"CASE WHEN {column} < 0 THEN 'negative' WHEN {column} = 0 THEN '0' ELSE "
        f"concat('2^', CAST(floor(2 * log(2.0, {column})) / 2 AS VARCHAR)) END"
    )


def _bins(rows: list[dict[str, Any]]) -> dict[str, int]:
    return {str(row["bin"]): row["n"] for row in rows}


def _categories(rows: list[dict[str, Any]]) -> dict[str, int]:
    """Counts of the largest categories, of which there may be thousands; the others together."""
    counts = _bins([row for row in rows if row["bin"] is not None])
    largest = sorted(counts, key=lambda name: (-counts[name], name))[:CATEGORIES]
    others = sum(counts.values()) - sum(counts[name] for name in largest)
    return {name: counts[name] for name in largest} | ({"other": others} if others else {})


def _moment(at: Any) -> str:
    return f"arrow_cast({literal(at.isoformat())}, 'Timestamp(Microsecond, Some(\"UTC\"))')"
