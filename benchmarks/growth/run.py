"""What a night costs as a shop grows: time, memory and disk of a first and a second night, per job, and the exponent.

    .venv/bin/python benchmarks/growth/run.py [--users 7400 37000 148000] [--keep FOLDER]

Simulates shops with users and items in proportion (a user has some 135 events in 100 days, so these are 1, 5 and 20
million), runs the night after 100 days, which trains, and the next one with one more day (1 % new data), each in a
process of its own at default settings. Memory is the proportional set size of the whole tree of processes, looked at
once a second. Prints Markdown and writes the plots beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path

import matplotlib
import numpy as np
import psutil

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from spark_jobs.contracts.settings import PROJECT_ROOT
from spark_jobs.contracts.storage import Location
from spark_jobs.lakehouse.tables import Lakehouse

HERE, FIRST_DAY, DAYS = Path(__file__).parent, date(2026, 6, 1), 100
ITEMS_PER_USER = 2.5
NIGHTJAR = [str(Path(sys.executable).parent / "nightjar")]


@dataclass
class Cost:
    """One night of one shop."""

    users: int
    night: str
    events: int = 0
    seconds: float = 0.0
    peak_gib: float = 0.0
    driver_gib: float = 0.0
    disk_gib: float = 0.0
    jobs: dict[str, float] = field(default_factory=dict)
    memory: list[tuple[float, float, float]] = field(default_factory=list)
    """Seconds since the start, GiB of all processes, GiB of the driver."""


def main() -> None:
    """Run every shop, smallest first, and print what there is after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, nargs="+", default=[7_400, 37_000, 148_000])
    parser.add_argument("--keep", type=Path, help="Folder for homes and logs; default: a temporary one.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nightjar-benchmark-") as temporary:
        folder, costs = given.keep or Path(temporary), list[Cost]()
        for users in sorted(given.users):
            costs += nights(folder / str(users), users)
            (folder / "costs.json").write_text(json.dumps([asdict(cost) for cost in costs]))
            report(costs)
    plot(costs)


def nights(home: Path, users: int) -> list[Cost]:
    """The first and the second night of one shop."""
    command = ["simulate", "--first-day", str(FIRST_DAY), "--days", str(DAYS + 1)]
    run(home, [*command, "--users", str(users), "--items", str(int(users * ITEMS_PER_USER))])
    last, landing, later = FIRST_DAY + timedelta(days=DAYS), home / "landing" / "retail", home / "later"
    for file in landing.glob(f"*/*-{last}.*"):
        (later / file.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.move(file, later / file.parent.name / file.name)
    first = night(home, Cost(users, "first"), last)
    shutil.copytree(later, landing, dirs_exist_ok=True)
    return [first, night(home, Cost(users, "second"), last + timedelta(days=1))]


def night(home: Path, cost: Cost, run_date: date) -> Cost:
    """Run it and measure."""
    done = threading.Event()
    watcher = threading.Thread(target=watch, args=(cost, done), daemon=True)
    watcher.start()
    started = time.monotonic()
    run(home, ["night", "--domain", "retail", "--run-date", str(run_date)])
    cost.seconds = time.monotonic() - started
    done.set()
    watcher.join()
    cost.peak_gib, cost.driver_gib = (max(row[k] for row in cost.memory) for k in (1, 2))
    cost.disk_gib = sum(file.stat().st_size for file in (home / "lakehouse").rglob("*") if file.is_file()) / 2**30
    lakehouse = Lakehouse(Location(str(home / "lakehouse")), "retail")
    cost.events = lakehouse.count("silver.interactions")
    of_night = f"FROM p WHERE run_date = DATE '{run_date}' GROUP BY job ORDER BY min(recorded_at)"
    rows = lakehouse.query(f"SELECT job, sum(seconds) AS seconds {of_night}", p="ops.job_costs").to_pylist()
    cost.jobs = {row["job"]: row["seconds"] for row in rows}
    return cost


def run(home: Path, arguments: list[str]) -> None:
    """A nightjar command at default settings; ends this program where it fails."""
    home.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NIGHTJAR_")}
    log = home / "log.txt"
    with log.open("a") as output:
        environment |= {"NIGHTJAR_HOME": str(home)}
        done = subprocess.run(
            [*NIGHTJAR, *arguments], cwd=PROJECT_ROOT, env=environment, stdout=output, stderr=output, check=False
        )
    if done.returncode:
        sys.exit(f"nightjar {' '.join(arguments)} failed; see {log}")


def watch(cost: Cost, done: threading.Event) -> None:
    """Memory of all processes below this one, and of the driver: the command itself and its JVM."""
    started = time.monotonic()
    while not done.wait(1.0):
        everything = driver = 0.0
        for process in psutil.Process().children(recursive=True):
            try:
                size = process.memory_full_info().pss / 2**30
                everything += size
                driver += 0.0 if "pyspark.daemon" in process.cmdline() else size
            except psutil.Error:
                continue
        cost.memory.append((time.monotonic() - started, everything, driver))


def exponent(events: list[int], values: list[float]) -> float:
    """The power of the number of events that the values grow with."""
    return float(np.polyfit(np.log(events), np.log(np.maximum(values, 1e-3)), 1)[0])


def report(costs: list[Cost]) -> None:
    """Tables as Markdown."""
    print("\n| users | events | night | seconds | peak, GiB | driver, GiB | lakehouse, GiB |")
    print("|---" * 7 + "|")
    for cost in costs:
        figures = f"{cost.seconds:.0f} | {cost.peak_gib:.2f} | {cost.driver_gib:.2f} | {cost.disk_gib:.2f}"
        print(f"| {cost.users:,} | {cost.events:,} | {cost.night} | {figures} |")
    first = [cost for cost in costs if cost.night == "first"]
    events = [cost.events for cost in first]
    print(f"\n| job of the first night, s |{'|'.join(f' {count / 1e6:.1f} M ' for count in events)}| exponent |")
    print("|---" * (len(first) + 2) + "|")
    rows = {job: [cost.jobs[job] for cost in first] for job in first[0].jobs}
    for job, seconds in {**rows, "whole night": [cost.seconds for cost in first]}.items():
        grown = f"{exponent(events, seconds):.2f}" if len(events) > 1 else ""
        print(f"| {job} |{'|'.join(f' {value:.1f} ' for value in seconds)}| {grown} |", flush=True)


def plot(costs: list[Cost]) -> None:
    """Time against events, and memory over time of the largest first night."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for name in ("first", "second"):
        of_night = [cost for cost in costs if cost.night == name]
        left.loglog([c.events / 1e6 for c in of_night], [c.seconds for c in of_night], "o-", label=f"{name} night")
    left.set_xlabel("million events")
    left.set_ylabel("seconds")
    left.legend(frameon=False)
    largest = max((cost for cost in costs if cost.night == "first"), key=lambda cost: cost.events)
    times, everything, driver = np.array(largest.memory).T
    right.plot(times, everything, label="all processes")
    right.plot(times, driver, label="driver")
    right.set_xlabel(f"seconds of the first night, {largest.events / 1e6:.1f} M events")
    right.set_ylabel("GiB")
    right.legend(frameon=False)
    figure.savefig(HERE / "growth.svg")


if __name__ == "__main__":
    main()
