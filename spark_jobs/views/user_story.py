"""One user, whole: history, list with reasons, and what happened since it was published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from spark_jobs.contracts.domain import find_domain
from spark_jobs.contracts.settings import Settings
from spark_jobs.lakehouse.tables import Lakehouse, literal
from spark_jobs.views.user_lists import UserList, user_list

SHOWN = 30
"""Events since publication that are shown."""


@dataclass(frozen=True)
class EventView:
    """Something that the user did since the list was published."""

    event_at: datetime
    event_type: str
    title: str
    rank: int | None
    """Place in the list, where the item was listed."""


@dataclass(frozen=True)
class UserStory:
    """The list, and what happened since."""

    published: UserList
    since: list[EventView]


def user_story(settings: Settings, domain: str, user: str) -> UserStory:
    """The user's story; raises as `user_list` does."""
    published = user_list(settings, domain, user, limit=100)
    described = find_domain(settings.conf_dir, domain)
    lakehouse = Lakehouse.of(settings, described)
    start = described.start_of(published.run_date).isoformat()
    moment = f"arrow_cast({literal(start)}, 'Timestamp(Microsecond, Some(\"UTC\"))')"
    rows = lakehouse.query(
        "SELECT event_at, event_type, item_id FROM events "
        f"WHERE user_id = {literal(user)} AND event_at >= {moment} ORDER BY event_at LIMIT {SHOWN}",
        events="silver.interactions",
    ).to_pylist()
    listed = {one.item_id: one.rank for one in published.recommendations}
    titles = _titles(lakehouse, sorted({row["item_id"] for row in rows}))
    since = [
        EventView(
            row["event_at"],
            row["event_type"],
            titles.get(row["item_id"], row["item_id"]),
            listed.get(row["item_id"]),
        )
        for row in rows
    ]
    return UserStory(published, since)


def _titles(lakehouse: Lakehouse, items: list[str]) -> dict[str, str]:
    if not items:
        return {}
    wanted = ", ".join(map(literal, items))
    rows = lakehouse.query(
        f"SELECT item_id, title FROM i WHERE item_id IN ({wanted}) ORDER BY valid_from", i="silver.items"
    ).to_pylist()
    return {row["item_id"]: row["title"] for row in rows}
