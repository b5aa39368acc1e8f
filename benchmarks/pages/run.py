"""How long the pages take with a year of nights of twenty domains, as Airflow's API server answers them.

python benchmarks/pages/run.py FOLDER [--domains 20] [--nights 365]
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.web.conftest import ask_in, migrated
from tests.web.homes import make_home


def main() -> None:
    """Fill a home, and print seconds of each page: asked for the first time, and the best of three later."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--domains", type=int, default=20)
    parser.add_argument("--nights", type=int, default=365)
    given = parser.parse_args()
    home = given.folder.resolve()
    names = [f"shop-{number}" for number in range(given.domains)]
    if not home.exists():
        make_home(home, names, given.nights, datetime.now(UTC).date())
        migrated(home)
    paths = ["/nightjar/", "/nightjar/domain/shop-0", "/nightjar/domain/shop-0/user?user=u1"]
    answers = ask_in(home, [("ADMIN", path) for path in [*paths, *paths * 3]])["answers"]
    for number, path in enumerate(paths):
        times = [answer["seconds"] for answer in answers[number :: len(paths)]]
        assert all(answer["status"] == 200 for answer in answers)
        print(f"{path}: {times[0]:.2f} s at first, {min(times[1:]):.2f} s later")


if __name__ == "__main__":
    main()
