"""A real shop: what nights recommend against what customers bought in the two weeks after.

    .venv/bin/python benchmarks/online_retail/run.py FOLDER_WITH_CSV_FILES [--dates 2011-10-25 2011-11-25]

Online Retail (UCI, CC BY 4.0), a British wholesaler of gifts: 541,909 rows of a year, a quarter of them without a
customer. The domain file is the README's example. Each night gets a home of its own and only what was sold before it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))
from lists import Lists, Relevant, implicit_lists, make_home, measure, most_frequent, paired, popular, published

NAME, OURS, WINDOW = "online-retail", "nightjar", timedelta(days=14)
DATES = [date(2011, 8, 25), date(2011, 9, 25), date(2011, 10, 25), date(2011, 11, 25)]
DOMAIN = {
    "domain": NAME,
    "time_zone": "Europe/London",
    "schedule": None,
    "interactions": {
        "path": "sales.csv",
        "columns": {
            "user_id": "CustomerID",
            "item_id": "upper(trim(StockCode))",
            "event_type": "CASE WHEN InvoiceNo LIKE 'C%' THEN 'return' ELSE 'purchase' END",
            "event_at": "try_to_timestamp(InvoiceDate, 'yyyy-MM-dd HH:mm:ss')",
            "value": "try_cast(Quantity AS DOUBLE) * try_cast(UnitPrice AS DOUBLE)",
        },
        "event_key": ["InvoiceNo", "StockCode", "InvoiceDate"],
    },
    "event_weights": {"purchase": 1.0, "return": -1.0},
    "items": {"from_interactions": {"title": "Description"}},
    "quality": {"max_refused_share": 0.5},  # rows without a customer
    "rules": {"already_seen": {"purchase": "allow", "return": "hide"}},
    "train": {"every_days": 7, "target_events": ["purchase"]},
}


def main() -> None:
    """Run a night per date, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dates", type=date.fromisoformat, nargs="+", default=DATES)
    given = parser.parse_args()
    sales = read(given.folder)
    for night in given.dates:
        compare(sales, night)


def read(folder: Path) -> pd.DataFrame:
    """All files as text, with what the comparison needs beside: `user_id`, `item_id`, `at`, `returned`."""
    files = sorted(folder.rglob("*.csv"))
    if not files:
        sys.exit(f"no CSV files in {folder}")
    sales = pd.concat([pd.read_csv(file, dtype=str, keep_default_na=False) for file in files], ignore_index=True)
    sales["CustomerID"] = sales["CustomerID"].str.removesuffix(".0")
    sales["at"] = pd.to_datetime(sales["InvoiceDate"])
    sales["item_id"] = sales["StockCode"].str.strip().str.upper()
    return sales.assign(user_id=sales["CustomerID"], returned=sales["InvoiceNo"].str.startswith("C"))


def compare(sales: pd.DataFrame, night: date) -> None:
    """The night's lists and its peers' on what was bought afterwards."""
    start = pd.Timestamp(night)
    past = sales[sales["at"] < start]
    future = sales[(sales["at"] >= start) & (sales["at"] < start + WINDOW)]
    known = past[past.user_id != ""]
    bought = known[~known.returned]
    hidden: Relevant = known[known.returned].groupby("user_id").item_id.agg(set).to_dict()
    taken = future[~future.returned & future.user_id.isin(bought.user_id) & future.item_id.isin(past.item_id)]
    wanted = taken.groupby("user_id").item_id.agg(set).to_dict()
    relevant: Relevant = {user: left for user, items in wanted.items() if (left := items - hidden.get(user, set()))}
    lists = {
        OURS: recommended(past, night),
        "own most frequent": most_frequent(bought, hidden),
        "popularity": popular(bought.item_id, hidden, relevant),
        "popularity, 30 days": popular(bought[bought["at"] >= start - timedelta(days=30)].item_id, hidden, relevant),
        **implicit_lists(bought, hidden, relevant),
    }
    figures = {name: measure(found, relevant, bought.item_id.nunique()) for name, found in lists.items()}
    print(f"\n{night}: {len(past):,} rows before; {len(relevant):,} customers bought in the {WINDOW.days} days after")
    for name, found in figures.items():
        print(found.line(name))
    ours, best = figures.pop(OURS), max(figures, key=lambda name: figures[name].ndcg.mean())
    print(f"{ours.ndcg.mean() / figures[best].ndcg.mean():.2f} × {best} ({paired(ours, figures[best])})", flush=True)


def recommended(past: pd.DataFrame, night: date) -> Lists:
    """What the night publishes."""
    from spark_jobs.runner.start import whole_night

    with tempfile.TemporaryDirectory(prefix="nightjar-benchmark-") as folder:
        own = ["at", "user_id", "item_id", "returned"]
        past.drop(columns=own).to_csv(make_home(Path(folder), DOMAIN) / "sales.csv", index=False)
        whole_night(NAME, night)
        return published(Path(folder), NAME)


if __name__ == "__main__":
    main()
