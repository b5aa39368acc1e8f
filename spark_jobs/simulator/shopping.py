"""One day in the shop: visits, views, carts, purchases, and what falls due from earlier days."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np

from spark_jobs.simulator.catalogue import Catalogue, seasonality
from spark_jobs.simulator.population import Population
from spark_jobs.simulator.settings import ShopSettings

VIEW, CART, PURCHASE, RETURN = range(4)
EVENT_TYPES = ("view", "cart", "purchase", "return")
LOOKED_AT = 4
"""Items a visitor glances at before viewing the one that suits best."""
WEEKDAYS = np.array([0.9, 0.9, 0.95, 1.0, 1.1, 1.25, 1.1])
HOURS = np.array([1, 1, 1, 1, 1, 2, 4, 6, 8, 9, 9, 9, 10, 9, 8, 8, 9, 11, 13, 14, 13, 10, 6, 3], dtype=float)


@dataclass(frozen=True)
class Events:
    """Events of one day as aligned arrays, in order of time."""

    users: np.ndarray
    items: np.ndarray
    types: np.ndarray
    seconds: np.ndarray
    """Second of the day."""


@dataclass
class Diary:
    """What is to happen on later days: (user, item) pairs that are bought again or come back, by day."""

    repurchases: dict[int, list[np.ndarray]] = field(default_factory=dict)
    returns: dict[int, list[np.ndarray]] = field(default_factory=dict)

    @staticmethod
    def note(book: dict[int, list[np.ndarray]], days: np.ndarray, pairs: np.ndarray) -> None:
        """Write pairs (n × 2) down for their days."""
        for day in np.unique(days):
            book.setdefault(int(day), []).append(pairs[days == day])

    @staticmethod
    def due(book: dict[int, list[np.ndarray]], day: int) -> np.ndarray:
        """Take out the pairs of a day."""
        return np.concatenate([np.empty((0, 2), dtype=np.int64), *book.pop(day, [])])


def shop_one_day(
    settings: ShopSettings, people: Population, catalogue: Catalogue, diary: Diary, day: int, calendar: date
) -> tuple[Events, np.ndarray]:
    """The day's events, and the repurchase cycles begun on it: rows of (user, item, days)."""
    generator = np.random.default_rng([settings.seed, 3, day])
    users, items = views(settings, people, catalogue, day, calendar, generator)
    carted = generator.random(len(users)) < settings.cart_share
    bought = carted & (generator.random(len(users)) < settings.purchase_share)
    again = diary.due(diary.repurchases, day)
    again = again[people.active(day)[again[:, 0]] & catalogue.available(day)[again[:, 1]]]
    back = diary.due(diary.returns, day)
    back = back[catalogue.available(day)[back[:, 1]]]
    hours = generator.choice(24, len(users), p=HOURS / HOURS.sum())
    start = hours * 3600 + generator.integers(0, 3000, len(users))
    pairs = np.column_stack([users, items])
    later = generator.integers(0, 86_000, len(again) + len(back))
    parts = [
        (pairs, VIEW, start),
        (pairs[carted], CART, start[carted] + 60),
        (pairs[bought], PURCHASE, start[bought] + 300),
        (again, PURCHASE, later[: len(again)]),
        (back, RETURN, later[len(again) :]),
    ]
    purchases = np.concatenate([pairs[bought], again])
    cycles = plan_ahead(settings, catalogue, diary, day, purchases, generator)
    return in_order(parts), cycles


def views(
    settings: ShopSettings,
    people: Population,
    catalogue: Catalogue,
    day: int,
    calendar: date,
    generator: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """User and item of every view: a category by preference and season, then the item that suits best of a few."""
    trend = (1 + settings.growth_per_year) ** (day / 365)
    rate = people.visits_per_day * WEEKDAYS[calendar.weekday()] * trend * people.active(day)
    users = np.repeat(np.arange(len(rate)), generator.poisson(rate))
    users = np.repeat(users, 1 + generator.poisson(settings.views_per_visit - 1, len(users)))
    wanted = np.cumsum(people.preference[users] * seasonality(calendar.month), axis=1)
    category = (wanted < generator.random((len(users), 1)) * wanted[:, -1:]).sum(axis=1)
    # Draw by popularity inside the category: positions on one cumulative line over items sorted by category.
    order = np.argsort(catalogue.category, kind="stable")
    line = np.concatenate([[0.0], np.cumsum(catalogue.popularity(day)[order])])
    edges = np.searchsorted(catalogue.category[order], np.arange(catalogue.category.max() + 2))
    low, high = line[edges[category]], line[edges[category + 1]]
    drawn = low[:, None] + generator.random((len(users), LOOKED_AT)) * (high - low)[:, None]
    shown = order[np.clip(np.searchsorted(line, drawn, side="right") - 1, 0, len(order) - 1)]
    liking = np.einsum("ut,ukt->uk", people.tastes[users], catalogue.tastes[shown])
    best = np.argmax(liking + generator.gumbel(size=liking.shape), axis=1)
    return users, shown[np.arange(len(users)), best]


def plan_ahead(
    settings: ShopSettings,
    catalogue: Catalogue,
    diary: Diary,
    day: int,
    purchases: np.ndarray,
    generator: np.random.Generator,
) -> np.ndarray:
    """Note repurchases of consumables and returns of durables in the diary; the cycles begun."""
    cycle = catalogue.cycle_days[purchases[:, 1]]
    chance = generator.random(len(purchases))
    wait = np.maximum(np.round(cycle * generator.lognormal(0, 0.08, len(purchases))).astype(np.int64), 1)
    again = (cycle > 0) & (chance < settings.repurchase_share)
    diary.note(diary.repurchases, day + wait[again], purchases[again])
    back = (cycle == 0) & (chance < settings.return_share)
    diary.note(diary.returns, day + generator.integers(2, 15, len(purchases))[back], purchases[back])
    return np.column_stack([purchases[again], cycle[again]])


def in_order(parts: list[tuple[np.ndarray, int, np.ndarray]]) -> Events:
    """Events of all kinds, by time."""
    pairs = np.concatenate([part[0] for part in parts])
    types = np.repeat([part[1] for part in parts], [len(part[0]) for part in parts])
    seconds = np.concatenate([part[2] for part in parts])
    order = np.lexsort((types, seconds))
    return Events(pairs[order, 0], pairs[order, 1], types[order], seconds[order])
