"""How events reach the landing folder: JSON lines, with duplicates, late and malformed records here and there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from spark_jobs.simulator.catalogue import Catalogue
from spark_jobs.simulator.population import Population
from spark_jobs.simulator.settings import Dirt, ShopSettings
from spark_jobs.simulator.shopping import EVENT_TYPES, Events


@dataclass
class DeliveryQueue:
    """What waits to be delivered with the next day's file."""

    late: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Delivery:
    """The lines of a day's file, and what is in it that no day brought."""

    lines: list[str]
    late: int
    duplicates: int
    malformed: list[tuple[Dirt, str]]
    """Kind and event id of every malformed record; the id as it was meant, where it can't be read."""


def to_lines(events: Events, people: Population, catalogue: Catalogue, calendar: date) -> list[str]:
    """One JSON object per event."""
    day, stamp = calendar.strftime("%Y%m%d"), calendar.isoformat()
    times = [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in (events.seconds % 86_400).tolist()]
    quantities = np.ones(len(times), dtype=int)
    rows = zip(
        people.ids[events.users].tolist(),
        catalogue.ids[events.items].tolist(),
        events.types.tolist(),
        quantities.tolist(),
        catalogue.price[events.items].tolist(),
        times,
        strict=True,
    )
    return [
        f'{{"event_id":"{day}-{n:08d}","user_id":"{user}","item_id":"{item}","event_type":"{EVENT_TYPES[kind]}",'
        f'"quantity":{quantity},"unit_price":{price},"occurred_at":"{stamp}T{time}+00:00"}}\n'
        for n, (user, item, kind, quantity, price, time) in enumerate(rows)
    ]


def deliver(settings: ShopSettings, lines: list[str], post: DeliveryQueue, day: int) -> Delivery:
    """The day's file: its events but the late ones, what waited since yesterday, and malformed copies."""
    generator = np.random.default_rng([settings.seed, 4, day])
    chance = generator.random(len(lines))
    late = chance < settings.late_share
    repeated = (chance >= settings.late_share) & (chance < settings.late_share + settings.duplicate_share)
    chosen = [
        (kind, copy_of(line, kind))
        for kind, share in settings.dirt.items()
        for line in _picked(lines, generator.random(len(lines)) < share)
    ]
    delivery = Delivery(
        lines=[*post.late, *post.repeated, *_picked(lines, ~late), *(spoil(line, kind) for kind, line in chosen)],
        late=len(post.late),
        duplicates=len(post.repeated),
        malformed=[(kind, _value(line, "event_id")) for kind, line in chosen],
    )
    post.late, post.repeated = _picked(lines, late), _picked(lines, repeated)
    return delivery


def copy_of(line: str, kind: Dirt) -> str:
    """The event under an id of its own."""
    return line.replace('"event_id":"', f'"event_id":"{kind}-', 1)


def spoil(line: str, kind: Dirt) -> str:
    """The event as no contract should accept it."""
    user, item, at = (_value(line, name) for name in ("user_id", "item_id", "occurred_at"))
    match kind:
        case "no_user":
            return line.replace(f'"user_id":"{user}"', '"user_id":""')
        case "no_item":
            return line.replace(f'"item_id":"{item}"', '"item_id":null')
        case "unknown_type":
            return line.replace('"event_type":"', '"event_type":"un', 1)
        case "no_time":
            return line.replace(at, at.replace("T", " at "))
        case "time_of_1970":
            return line.replace(at, "1970-01-21T13:00:00+00:00")
        case "long_user":
            return line.replace(f'"user_id":"{user}"', f'"user_id":"{user * 200}"')
        case "undecodable":
            return line.replace(f'"user_id":"{user}"', f'"user_id":"{user}\ufffd"')
        case "half_a_line":
            return line[: len(line) // 2] + "\n"


def _value(line: str, name: str) -> str:
    return line.split(f'"{name}":"', 1)[1].split('"', 1)[0]


def _picked(lines: list[str], mask: np.ndarray) -> list[str]:
    return [lines[k] for k in np.flatnonzero(mask)]


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write a file in one step, so that no reader sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    with temporary.open("w", encoding="utf-8") as file:
        file.writelines(lines)
    temporary.replace(path)


def catalogue_lines(catalogue: Catalogue, categories: list[str], day: int, calendar: date) -> list[str]:
    """CSV of items that are new on this day (all sold ones on day 0) or withdrawn on it; empty without any."""
    new = catalogue.launch_day <= 0 if day == 0 else catalogue.launch_day == day
    chosen = np.flatnonzero(new | ((catalogue.withdrawal_day == day) & (day > 0)))
    if not len(chosen):
        return []
    first = calendar - timedelta(days=day)

    def on(offset: int) -> str:
        return f"{first + timedelta(days=int(offset))}T00:00:00+00:00"

    lines = ["item_id,title,category,brand,price,launched_at,withdrawn_at,updated_at\n"]
    for k in chosen:
        gone = on(catalogue.withdrawal_day[k]) if catalogue.withdrawal_day[k] <= day else ""
        # What is sold on the first day was launched before anybody looked.
        launched = on(max(int(catalogue.launch_day[k]), -1))
        lines.append(
            f"{catalogue.ids[k]},{catalogue.titles[k]},{categories[catalogue.category[k]]},{catalogue.brand[k]},"
            f"{catalogue.price[k]},{launched},{gone},{on(-1) if day == 0 else on(day)}\n"
        )
    return lines


def user_lines(people: Population, day: int, calendar: date) -> list[str]:
    """CSV of users who join on this day; empty without any."""
    chosen = np.flatnonzero(people.join_day == day)
    rows = [f"{people.ids[k]},{calendar},{people.region[k]},{people.age_band[k]}\n" for k in chosen]
    return ["user_id,joined_at,region,age_band\n", *rows] if rows else []
