"""Run a simulated shop day by day and write its landing files and its truth."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from spark_jobs.simulator.catalogue import CATEGORIES, Catalogue, make_catalogue
from spark_jobs.simulator.delivery import (
    DeliveryQueue,
    catalogue_lines,
    deliver,
    to_lines,
    user_lines,
    write_lines,
)
from spark_jobs.simulator.population import Population, make_population
from spark_jobs.simulator.settings import ShopSettings
from spark_jobs.simulator.shopping import EVENT_TYPES, Diary, shop_one_day

CYCLES = pa.schema(
    [("day", pa.int32()), ("user_id", pa.string()), ("item_id", pa.string()), ("cycle_days", pa.int32())]
)
DIRT = pa.schema([("file", pa.string()), ("kind", pa.string()), ("event_id", pa.string())])
"""Every malformed record: what delivered it, how it is malformed, and its id."""
DAILY = pa.schema([("date", pa.date32()), ("kind", pa.string()), ("count", pa.int64())])


@dataclass(frozen=True)
class SimulationSummary:
    """What was written."""

    path: Path
    days: int
    events: dict[str, int]
    late: int
    duplicates: int
    malformed: int

    def __str__(self) -> str:
        kinds = ", ".join(f"{count:,} {kind}s" for kind, count in self.events.items())
        dirt = f"{self.late:,} late, {self.duplicates:,} duplicates, {self.malformed:,} malformed"
        return f"{self.days} days in {self.path}: {kinds}; {dirt}"


def simulate(settings: ShopSettings, out: Path, first_day: date, days: int) -> SimulationSummary:
    """Write `days` days from `first_day` below `out`: events/, items/, users/, and the truth in _truth/.

    A day's files depend on the settings and the days before it only, never on how many follow. Memory holds users,
    items and one day's events; everything else streams to disk.
    """
    people, catalogue = make_population(settings), make_catalogue(settings)
    write_truth(settings, people, catalogue, out / "_truth")
    diary, post, totals = Diary(), DeliveryQueue(), Counter[str]()
    categories = [name for name, *_ in CATEGORIES]
    truth = out / "_truth"
    with (
        pq.ParquetWriter(truth / "repurchase.parquet", CYCLES) as cycles_file,
        pq.ParquetWriter(truth / "daily.parquet", DAILY) as daily_file,
        pq.ParquetWriter(truth / "dirt.parquet", DIRT) as dirt_file,
    ):
        for day in range(days):
            calendar = first_day + timedelta(days=day)
            events, cycles = shop_one_day(settings, people, catalogue, diary, day, calendar)
            delivery = deliver(settings, to_lines(events, people, catalogue, calendar), post, day)
            file = f"events-{calendar}.jsonl"
            write_lines(out / "events" / file, delivery.lines)
            for folder, rows in (
                ("items", catalogue_lines(catalogue, categories, day, calendar)),
                ("users", user_lines(people, day, calendar)),
            ):
                if rows:
                    write_lines(out / folder / f"{folder}-{calendar}.csv", rows)
            happened = np.bincount(events.types, minlength=len(EVENT_TYPES)).tolist()
            counts = dict(zip(EVENT_TYPES, happened, strict=True))
            counts |= {
                "late": delivery.late,
                "duplicates": delivery.duplicates,
                "malformed": len(delivery.malformed),
            }
            totals.update(counts)
            dirt = [{"file": file, "kind": kind, "event_id": name} for kind, name in delivery.malformed]
            dirt_file.write_table(pa.Table.from_pylist(dirt, schema=DIRT))
            daily_file.write_table(_daily(calendar, counts))
            cycles_file.write_table(_cycles(day, cycles, people, catalogue))
    return SimulationSummary(
        out,
        days,
        {kind: totals[kind] for kind in EVENT_TYPES},
        totals["late"],
        totals["duplicates"],
        totals["malformed"],
    )


def write_truth(settings: ShopSettings, people: Population, catalogue: Catalogue, folder: Path) -> None:
    """Settings, users and items as planted."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings.json").write_text(settings.model_dump_json(indent=2))
    for name, planted in (("users", people), ("items", catalogue)):
        columns = {key: pa.array(value.tolist() if value.ndim > 1 else value) for key, value in vars(planted).items()}
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")


def _daily(calendar: date, counts: dict[str, int]) -> pa.Table:
    columns = [[calendar] * len(counts), list(counts), list(counts.values())]
    return pa.table([pa.array(c, t) for c, t in zip(columns, DAILY.types, strict=True)], schema=DAILY)


def _cycles(day: int, cycles: np.ndarray, people: Population, catalogue: Catalogue) -> pa.Table:
    columns = [np.full(len(cycles), day), people.ids[cycles[:, 0]], catalogue.ids[cycles[:, 1]], cycles[:, 2]]
    return pa.table([pa.array(c, t) for c, t in zip(columns, CYCLES.types, strict=True)], schema=CYCLES)


__all__ = ["ShopSettings", "SimulationSummary", "simulate"]
