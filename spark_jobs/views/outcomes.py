"""Did lists work: what each release came to over its windows, beside its promise and baselines on the same users."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers import model_metrics, outcomes
from spark_jobs.ledgers.ledger import Row
from spark_jobs.ledgers.outcomes import OWN_HISTORY, POPULARITY, PREVIOUS, SERVED

METRIC = model_metrics.EVALUATION


@dataclass(frozen=True)
class Comparison:
    """The served lists less another's, paired by user, with the 95 % interval."""

    difference: float
    low: float
    high: float
    users: int

    @property
    def visible(self) -> float:
        """Half of the interval: a smaller difference could not be told from none with so few users."""
        return (self.high - self.low) / 2

    @property
    def verdict(self) -> str:
        """`better`, `worse`, or `no visible difference`."""
        return "better" if self.low > 0 else "worse" if self.high < 0 else "no visible difference"


@dataclass(frozen=True)
class OutcomeView:
    """One release over one window: NDCG@10 over the returning users who had a list."""

    release: str
    served_from: date
    days: int
    model_version: str
    users: int
    """Who came back in the window and had a list."""
    with_list: float
    """Share of those who came who had one."""
    value: float | None
    """None where nobody came who had a list."""
    low: float | None
    high: float | None
    promised: float | None
    """What the evaluation of its model said; None of what is no model, and of windows that no test had."""
    promised_low: float | None
    promised_high: float | None
    popularity: Comparison | None
    own_history: Comparison | None
    previous: Comparison | None
    """None for the first release, and where the release before is the same."""

    @property
    def kept_promise(self) -> bool | None:
        """Whether the promise's interval and the realised one overlap; None without either."""
        if self.promised is None or self.value is None or self.low is None or self.high is None:
            return None
        return (self.promised_low or 0.0) <= self.high and self.low <= (self.promised_high or 1.0)


def outcomes_over_time(lakehouse: Lakehouse, limit: int, days: int | None = None) -> list[OutcomeView]:
    """The latest windows, newest first; of `days` days only, where given."""
    by_key: dict[outcomes.Key, dict[tuple[str, str], Row]] = {}
    for row in outcomes.overall(lakehouse):
        if days in (None, row["days"]):
            key = (row["release"], row["served_from"], row["days"])
            by_key.setdefault(key, {})[row["model"], row["metric"]] = row
    promises = promised(lakehouse)
    newest = sorted(by_key, key=lambda key: (key[1], -key[2]), reverse=True)[:limit]
    return [_view(key, by_key[key], promises) for key in newest]


def promised(lakehouse: Lakehouse) -> dict[str, Row]:
    """By model version the figure that its latest evaluation gave of the lists it would make, exposure balanced."""
    where = f"metric = '{METRIC}' AND slice IS NULL AND model IN ('ranker', 'diversified')"
    found = model_metrics.latest(lakehouse, where)
    by_version: dict[str, Row] = {}
    for row in sorted(found, key=lambda row: bool(row["model"] == "diversified")):
        by_version[row["model_version"]] = row
    return by_version


def _view(key: outcomes.Key, rows: dict[tuple[str, str], Row], promises: dict[str, Row]) -> OutcomeView:
    anyone = next(iter(rows.values()))
    served = rows.get((SERVED, METRIC), {})
    promise = promises.get(anyone["model_version"], {}) if key[2] == anyone["label_days"] else {}
    coverage = rows.get((SERVED, "users_with_list"), {})
    return OutcomeView(
        *key,
        model_version=anyone["model_version"],
        users=served.get("users", 0),
        with_list=coverage.get("value", 0.0),
        value=served.get("value"),
        low=served.get("low"),
        high=served.get("high"),
        promised=promise.get("value"),
        promised_low=promise.get("low"),
        promised_high=promise.get("high"),
        popularity=_comparison(rows.get((POPULARITY, METRIC))),
        own_history=_comparison(rows.get((OWN_HISTORY, METRIC))),
        previous=_comparison(rows.get((PREVIOUS, METRIC))),
    )


def _comparison(row: Row | None) -> Comparison | None:
    if row is None or row["difference"] is None:
        return None
    return Comparison(row["difference"], row["difference_low"], row["difference_high"], row["users"])
