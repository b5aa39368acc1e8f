"""One user: the published list with reasons, and the latest history."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date

from spark_jobs.contracts.domain import find_domain
from spark_jobs.contracts.errors import NightjarError
from spark_jobs.contracts.settings import Settings
from spark_jobs.lakehouse.tables import Lakehouse, NotWrittenError, literal

SERVED = "gold.recommendations"
HISTORY_SHOWN = 5


class NoListError(NightjarError):
    """There is no list to show; the message says why and what to do, in one sentence."""


@dataclass(frozen=True)
class Recommendation:
    """One row of a user's list."""

    rank: int
    item_id: str
    title: str
    score: float
    reason: str
    sources: list[str]


@dataclass(frozen=True)
class UserList:
    """A user's list with the release it belongs to and the titles the user took last, newest first."""

    domain: str
    user_id: str
    run_date: date
    release: str
    model_version: str
    recommendations: list[Recommendation]
    latest_history: list[str]

    def to_json(self) -> str:
        """The list for programs."""
        return json.dumps(asdict(self), default=str, ensure_ascii=False, indent=2)


def user_list(settings: Settings, domain: str, user: str, limit: int = 10) -> UserList:
    """The published list of `user`, at most `limit` items.

    Raises DomainFileError for an unknown domain, NoListError where nothing is published or the user has no list.
    """
    find_domain(settings.conf_dir, domain)
    lakehouse = Lakehouse.of(settings, domain)
    if not lakehouse.exists(SERVED):
        raise NoListError(
            f"Nothing is published for domain {domain} yet; "
            f"`nightjar night --domain {domain} --run-date YYYY-MM-DD` publishes."
        )
    # Not filtered by rank: a limit of 0 or a list with a gap must not look like an unknown user.
    rows = lakehouse.query(
        "SELECT rank, item_id, title, score, reason, sources, run_date, release, model_version FROM served "
        f"WHERE user_id = {literal(user)} ORDER BY rank",
        served=SERVED,
    ).to_pylist()
    if not rows:
        raise NoListError(_who_has_a_list(lakehouse, user))
    first = rows[0]
    names = ("rank", "item_id", "title", "score", "reason", "sources")
    return UserList(
        domain=domain,
        user_id=user,
        run_date=first["run_date"],
        release=first["release"],
        model_version=first["model_version"],
        recommendations=[Recommendation(**{name: row[name] for name in names}) for row in rows[:limit]],
        latest_history=latest_titles(lakehouse, user, first["run_date"]),
    )


def latest_titles(lakehouse: Lakehouse, user: str, run_date: date, count: int = HISTORY_SHOWN) -> list[str]:
    """Titles of the user's latest items before `run_date`, newest first; the identifier where there is no title.

    Empty where the snapshot of that date is gone (maintenance removes old ones) or the user has no history.
    """
    as_of = f"as_of = DATE '{run_date}'"
    try:
        histories = lakehouse.query(
            f"SELECT item_ids FROM histories WHERE {as_of} AND user_id = {literal(user)}",
            histories="gold.user_histories",
        ).to_pylist()
        latest = list(reversed(histories[0]["item_ids"]))[:count] if histories else []
        if not latest:
            return []
        wanted = ", ".join(literal(item) for item in latest)
        titles = lakehouse.query(
            f"SELECT item_id, title FROM items WHERE {as_of} AND item_id IN ({wanted})",
            items="gold.item_features",
        ).to_pylist()
    except NotWrittenError:
        return []
    named = {row["item_id"]: row["title"] for row in titles}
    return [named.get(item, item) for item in latest]


def _who_has_a_list(lakehouse: Lakehouse, user: str) -> str:
    count = lakehouse.query("SELECT count(DISTINCT user_id) AS users FROM served", served=SERVED)
    some = lakehouse.query("SELECT DISTINCT user_id FROM served ORDER BY user_id LIMIT 5", served=SERVED)
    examples = ", ".join(str(value) for value in some["user_id"].to_pylist())
    have = f"{count['users'][0]} users have one, for example {examples}."
    return f"No list for user {user!r} in domain {lakehouse.domain}; {have}"
