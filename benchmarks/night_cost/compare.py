"""What a night costs at two commits, paired: both are set up, and every workload runs at both, turn about.

    python3 benchmarks/night_cost/compare.py BASE HEAD [--workloads second_night demo] [--pairs 2]

Prints seconds, Spark jobs and the ratio HEAD / BASE per workload, as Markdown. Standard library only. MovieLens 1M is
not fetched: `first_night_1m` needs its three .dat files, named with --movielens-1m, and says so when it is left out.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NIGHTS_100K = ("1998-04-23", "1998-04-24")
NIGHT_1M = "2001-01-01"


@dataclass
class Checkout:
    """One commit, set up in a folder of its own."""

    name: str
    folder: Path
    demo_data: Path
    movielens_1m: Path | None
    tests: set[str]
    """Names of its test functions; in the end of those that both commits have."""
    seconds: dict[str, list[float]] = field(default_factory=dict)
    jobs: dict[str, list[int]] = field(default_factory=dict)

    def run(self, home: Path, *command: str, log: Path) -> float:
        """Run a command of the checkout with `home`; its seconds. Ends this program where it fails."""
        events = home / "events"
        shutil.rmtree(events, ignore_errors=True)
        events.mkdir(parents=True)
        # Spark's own event log counts jobs at any commit, with nothing of ours in the way.
        conf = home / "spark-conf"
        conf.mkdir(exist_ok=True)
        options = {"spark.eventLog.enabled": "true", "spark.eventLog.dir": events.as_uri()}
        options |= {"spark.eventLog.compress": "false", "spark.eventLog.rolling.enabled": "false"}
        (conf / "spark-defaults.conf").write_text("".join(f"{key} {value}\n" for key, value in options.items()))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NIGHTJAR_")}
        environment |= {"NIGHTJAR_HOME": str(home), "SPARK_CONF_DIR": str(conf)}
        with log.open("a") as output:
            started = time.monotonic()
            done = subprocess.run(command, cwd=self.folder, env=environment, stdout=output, stderr=output, check=False)
        if done.returncode:
            sys.exit(f"{self.name}: {' '.join(command)} failed; see {log}")
        return time.monotonic() - started


def spark_jobs(home: Path) -> int:
    """Spark jobs that the latest command started."""
    texts = (path.read_text(errors="replace") for path in (home / "events").rglob("*") if path.is_file())
    return sum(text.count('"Event":"SparkListenerJobStart"') for text in texts)


def second_night(checkout: Checkout, home: Path, log: Path) -> None:
    """MovieLens 100K: the first night, which trains, and a second one with nothing new."""
    shutil.copytree(checkout.demo_data, home / "landing" / "movielens-100k")
    for name, day in zip(("first_night_100k", "second_night_100k"), NIGHTS_100K, strict=True):
        command = (".venv/bin/nightjar", "night", "--domain", "movielens-100k", "--run-date", day)
        note(checkout, name, checkout.run(home, *command, log=log), spark_jobs(home))


def first_night_1m(checkout: Checkout, home: Path, log: Path) -> None:
    """MovieLens 1M: a first night, which trains."""
    if checkout.movielens_1m is None:
        print("first_night_1m is left out: name the folder of MovieLens 1M with --movielens-1m", file=sys.stderr)
        return
    shutil.copytree(checkout.movielens_1m, home / "landing" / "movielens-1m")
    command = (".venv/bin/nightjar", "night", "--domain", "movielens-1m", "--run-date", NIGHT_1M)
    note(checkout, "first_night_1m", checkout.run(home, *command, log=log), spark_jobs(home))


def demo(checkout: Checkout, home: Path, log: Path) -> None:
    """The demo through Airflow, environment and data there already: all of it, and the tasks of its night."""
    shutil.copytree(checkout.demo_data, home / "landing" / "movielens-100k")
    output = home / "demo.log"
    note(checkout, "demo", checkout.run(home, ".venv/bin/nightjar", "demo", log=output), spark_jobs(home))
    tasks = re.findall(r"^  (\w+) +success +([\d.]+) s$", output.read_text(), re.MULTILINE)
    if not tasks:
        sys.exit(f"{checkout.name}: no tasks are named in the demo's output; see {output}")
    note(checkout, "demo_tasks", sum(float(seconds) for _, seconds in tasks), None)
    log.write_text(output.read_text())


def tests(checkout: Checkout, home: Path, log: Path) -> None:
    """`make test`, set-up done."""
    note(checkout, "make_test", checkout.run(home, "make", "test", log=log), None)


def kept_tests(checkout: Checkout, home: Path, log: Path) -> None:
    """`make test` with no tests but those that both commits have, by name."""
    chosen = f"PYTEST_ADDOPTS=-k '{' or '.join(sorted(checkout.tests))}'"
    seconds = checkout.run(home, "env", chosen, "make", "test", log=log)
    note(checkout, f"{len(checkout.tests)} kept_tests", seconds, None)


WORKLOADS: dict[str, Callable[[Checkout, Path, Path], None]] = {
    "second_night": second_night,
    "first_night_1m": first_night_1m,
    "demo": demo,
    "tests": tests,
    "kept_tests": kept_tests,
}


def note(checkout: Checkout, name: str, seconds: float, jobs: int | None) -> None:
    """Keep one measurement, and say it."""
    print(f"{checkout.name} {name}: {seconds:.1f} s" + (f", {jobs} Spark jobs" if jobs else ""), file=sys.stderr)
    checkout.seconds.setdefault(name, []).append(seconds)
    if jobs:
        checkout.jobs.setdefault(name, []).append(jobs)


def set_up(work: Path, name: str, commit: str, movielens_1m: Path | None) -> Checkout:
    """Clone the commit and install it."""
    folder = work / name
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
    subprocess.run(["git", "-C", str(folder), "checkout", "-q", commit], check=True)
    texts = (path.read_text() for path in (folder / "tests").rglob("test_*.py"))
    names = {name for text in texts for name in re.findall(r"^ *def (test_\w+)", text, re.MULTILINE)}
    checkout = Checkout(name, folder, folder / ".nightjar" / "landing" / "movielens-100k", movielens_1m, names)
    log = work / f"{name}-setup.log"
    home = folder / ".nightjar"
    checkout.run(home, "make", "setup-dev", log=log)
    checkout.run(home, sys.executable, "scripts/fetch_demo_data.py", log=log)
    return checkout


def short_hash(ref: str) -> str:
    """The commit that `ref` names."""
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", ref]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def table(base: Checkout, head: Checkout) -> str:
    """Medians and ratios as Markdown."""
    lines = ["| workload | base, s | head, s | ratio of medians (range of pairs) | Spark jobs |", "|---" * 5 + "|"]
    for name in base.seconds:
        before, after = base.seconds[name], head.seconds[name]
        ratios = [b / a for a, b in zip(before, after, strict=True)]
        middle = statistics.median(after) / statistics.median(before)
        jobs = f"{base.jobs[name][0]} → {head.jobs[name][0]}" if name in base.jobs and name in head.jobs else ""
        lines.append(
            f"| {name} | {statistics.median(before):.1f} | {statistics.median(after):.1f} "
            f"| **{middle:.2f}** ({min(ratios):.2f} to {max(ratios):.2f}) | {jobs} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Set both up, run the workloads in pairs, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base")
    parser.add_argument("head")
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--pairs", type=int, default=1)
    parser.add_argument("--movielens-1m", type=Path)
    given = parser.parse_args()
    names = [short_hash(ref) for ref in (given.base, given.head)]
    with tempfile.TemporaryDirectory(prefix="night-cost-") as folder:
        work = Path(folder)
        both = [
            set_up(work, name, commit, given.movielens_1m) for name, commit in zip(("base", "head"), names, strict=True)
        ]
        both[0].tests = both[1].tests = both[0].tests & both[1].tests
        for pair in range(given.pairs):
            for workload in given.workloads:
                # Turn about, so that a machine that gets slower or faster favours nobody.
                for checkout in both if pair % 2 == 0 else reversed(both):
                    home = work / f"{checkout.name}-{workload}-{pair}"
                    home.mkdir()
                    WORKLOADS[workload](checkout, home, work / f"{checkout.name}-{workload}-{pair}.log")
                    shutil.rmtree(home)
        print(f"Base {names[0]}, head {names[1]}; {os.cpu_count()} cores; {given.pairs} pair(s).\n\n{table(*both)}")


if __name__ == "__main__":
    main()
