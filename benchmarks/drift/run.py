"""How often the drift rule alarms in quiet months of the simulated shop, and how soon it finds planted drifts.

    python benchmarks/drift/run.py FOLDER [--nights 90] [--users 4000]

Every night lands, cleans and measures, as the night does, without lists. Quiet nights are counted after the first
eight weeks, in which what is usual is learnt. Each drift is planted in a copy, on the night after the quiet ones.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from spark_jobs.contracts.domain import find_domain
from spark_jobs.contracts.settings import PROJECT_ROOT, Settings
from spark_jobs.lakehouse.night import Night
from spark_jobs.lakehouse.spark_session import spark_session
from spark_jobs.ledgers.drift import shifts_of
from spark_jobs.monitor.measure_drift import run as measure_drift
from spark_jobs.prepare.clean_interactions import run as clean_interactions
from spark_jobs.prepare.clean_items import run as clean_items
from spark_jobs.prepare.ingest_landing_files import run as ingest
from spark_jobs.simulator.shop import ShopSettings, simulate

FIRST, LEARNING, AFTER = date(2026, 1, 1), 56, 5
Plant = Callable[[list[dict], dict[str, str]], Iterator[dict]]


def prices(events: list[dict], category: dict[str, str]) -> Iterator[dict]:
    """Prices are half as high again."""
    yield from (event | {"unit_price": event["unit_price"] * 1.5} for event in events)


def vanished(events: list[dict], category: dict[str, str]) -> Iterator[dict]:
    """Nothing of one category."""
    yield from (event for event in events if category.get(event["item_id"]) != "Leisure/Books")


def robot(events: list[dict], category: dict[str, str]) -> Iterator[dict]:
    """One user looks at as many items as a quarter of all others together."""
    yield from events
    views = [event for event in events if event["event_type"] == "view"]
    for number, event in enumerate(random.Random(1).sample(views, len(views) // 4)):
        yield event | {"user_id": "robot", "event_id": f"robot-{event['event_id']}-{number}"}


def renamed(events: list[dict], category: dict[str, str]) -> Iterator[dict]:
    """Purchases are called orders."""
    for event in events:
        yield event | ({"event_type": "order"} if event["event_type"] == "purchase" else {})


def shifted(events: list[dict], category: dict[str, str]) -> Iterator[dict]:
    """All times are an hour late."""
    for event in events:
        if "T" in event["occurred_at"]:
            at = datetime.fromisoformat(event["occurred_at"]) + timedelta(hours=1)
            event |= {"occurred_at": at.isoformat()}
        yield event


def halved(events: list[dict], category: dict[str, str]) -> Iterator[dict]:
    """Half of the log is missing."""
    yield from events[::2]


PLANTED: dict[str, Plant] = {
    "price level": prices,
    "category vanished": vanished,
    "robot": robot,
    "event type renamed": renamed,
    "times an hour late": shifted,
    "half of the log missing": halved,
}


def main() -> None:
    """Run, and print both rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--nights", type=int, default=90)
    parser.add_argument("--users", type=int, default=4_000)
    given = parser.parse_args()
    home = given.folder / "quiet"
    landed = given.folder / "landed" / "retail"
    shop = ShopSettings(users=given.users, items=600)
    simulate(shop, landed, FIRST, given.nights + AFTER)
    category = {
        fields[0]: fields[2]
        for path in (landed / "items").glob("*.csv")
        for fields in (line.split(",") for line in path.read_text().splitlines())
    }
    settings = Settings(home=home, code_version="benchmark", driver_memory="2g")
    spark = spark_session(settings, "drift")
    domain = find_domain(PROJECT_ROOT / "conf", "retail")

    def night(where: Path, day: int, plant: Plant | None = None) -> list[dict]:
        land(landed, where / "landing" / "retail", FIRST + timedelta(days=day), plant, category)
        tonight = Night(
            settings.model_copy(update={"home": where}), domain, FIRST + timedelta(days=day + 1), spark=spark
        )
        for job in (ingest, clean_interactions, clean_items, measure_drift):
            job(tonight.for_job())
        return [row for row in shifts_of(tonight.lakehouse, tonight.run_date) if row["status"] == "alarm"]

    alarms: Counter[str] = Counter()
    nights_with: set[int] = set()
    for day in range(given.nights):
        for row in night(home, day):
            if day >= LEARNING:
                alarms[f"{row['measure']} {row['part'] or ''}: {row['text']}"] += 1
                nights_with.add(day)
    judged = given.nights - LEARNING
    print(f"quiet: {judged} nights, {len(nights_with)} with an alarm, {sum(alarms.values())} alarms")
    for text, times in alarms.most_common():
        print(f"  {times} × {text}")
    for name, plant in PLANTED.items():
        where = given.folder / name.replace(" ", "_")
        shutil.copytree(home, where, dirs_exist_ok=True)
        found = "not found"
        for number in range(1, AFTER + 1):
            if rows := night(where, given.nights + number - 1, plant):
                by = sorted({f"{row['measure']} {row['part'] or ''}".strip() for row in rows})
                found = f"night {number}, by {', '.join(by)}"
                break
        print(f"{name}: {found}", flush=True)
        shutil.rmtree(where)


def land(source: Path, target: Path, day: date, plant: Plant | None, category: dict[str, str]) -> None:
    """The files of a day, with a drift planted in its events."""
    for path in source.glob(f"*/*-{day}.*"):
        if path.parent.name == "_truth":
            continue
        to = target / path.parent.name / path.name
        to.parent.mkdir(parents=True, exist_ok=True)
        if plant is None or path.parent.name != "events":
            shutil.copy(path, to)
        else:
            events = []
            for line in path.read_text().splitlines():
                try:
                    events.append(json.loads(line))
                except ValueError:
                    continue
            to.write_text("".join(json.dumps(event) + "\n" for event in plant(events, category)))
        at = datetime(day.year, day.month, day.day, 23, tzinfo=UTC).timestamp()
        os.utime(to, (at, at))


if __name__ == "__main__":
    main()
