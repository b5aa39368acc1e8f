"""How events reach the landing folder: JSON lines, with duplicates, late and malformed records here and there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from spark_jobs.simulator.catalogue import Catalogue
from spark_jobs.simulator.population import Population
from spark_jobs.simulator.settings import ShopSettings
from spark_jobs.simulator.shopping import EVENT_TYPES, Events


@dataclass
class DeliveryQueue:
    """What waits to be delivered with the next day's file."""

    late: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)


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


def deliver(
    settings: ShopSettings, lines: list[str], post: DeliveryQueue, day: int
) -> tuple[list[str], dict[str, int]]:
    """The lines of the day's file, and how many of them are late, repeated or malformed."""
    generator = np.random.default_rng([settings.seed, 4, day])
    chance = generator.random(len(lines))
    late = chance < settings.late_share
    repeated = (chance >= settings.late_share) & (chance < settings.late_share + settings.duplicate_share)
    malformed = [
        spoil(line, n) for n, line in enumerate(_picked(lines, generator.random(len(lines)) < settings.malformed_share))
    ]
    delivered = [*post.late, *post.repeated, *_picked(lines, ~late), *malformed]
    counts = {"late": len(post.late), "duplicates": len(post.repeated), "malformed": len(malformed)}
    post.late, post.repeated = _picked(lines, late), _picked(lines, repeated)
    return delivered, counts


def spoil(line: str, number: int) -> str:
    """A copy of an event that no contract should accept: no user, an unknown type, no time, or no JSON at all."""
    line = line.replace('"event_id":"', '"event_id":"x', 1)
    user = line.split('"user_id":"', 1)[1].split('"', 1)[0]
    ways = (
        line.replace(f'"user_id":"{user}"', '"user_id":""'),
        line.replace('"event_type":"', '"event_type":"un', 1),
        line.replace("T", " at ", 1),
        line[: len(line) // 2] + "\n",
    )
    return ways[number % len(ways)]


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
