"""The catalogue: departments and categories, items with taste, price, popularity and lifetime."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spark_jobs.simulator.settings import ShopSettings

TASTES = 8
SHARE_AT_START = 0.75
SHARE_WITHDRAWN = 0.2

# name, nouns, mean price, repurchase cycle in days (0: durable), peak month of its season (0: none)
CATEGORIES: tuple[tuple[str, tuple[str, ...], float, int, int], ...] = (
    ("Pantry/Coffee", ("Ground Coffee", "Espresso Beans", "Decaf Blend"), 7.0, 21, 0),
    ("Pantry/Tea", ("Black Tea", "Green Tea", "Herbal Infusion"), 5.0, 30, 12),
    ("Pantry/Pet Food", ("Cat Dinner", "Dog Biscuits", "Fish Flakes"), 12.0, 14, 0),
    ("Care/Bath", ("Soap", "Shampoo", "Hand Cream"), 6.0, 28, 0),
    ("Home/Kitchen", ("Saucepan", "Chopping Board", "Teapot"), 25.0, 0, 0),
    ("Home/Lighting", ("Desk Lamp", "Lantern", "Candle Set"), 30.0, 0, 12),
    ("Garden/Plants", ("Fern", "Tomato Seeds", "Lavender"), 9.0, 0, 5),
    ("Garden/Tools", ("Trowel", "Secateurs", "Watering Can"), 18.0, 0, 5),
    ("Leisure/Books", ("Novel", "Field Guide", "Cookbook"), 14.0, 0, 12),
    ("Leisure/Games", ("Puzzle", "Board Game", "Card Deck"), 22.0, 0, 12),
    ("Leisure/Outdoor", ("Tent", "Rucksack", "Picnic Rug"), 45.0, 0, 7),
    ("Clothing/Knitwear", ("Scarf", "Jumper", "Socks"), 28.0, 0, 11),
)
BRANDS = ("Alder", "Birch", "Cedar", "Dune", "Ember", "Fjord", "Grove", "Harbour", "Isle", "Juniper", "Kestrel", "Lark")
SIZES = ("Small", "Classic", "Large", "Twin Pack", "No. 1", "No. 2", "No. 3")


@dataclass(frozen=True)
class Catalogue:
    """Items as arrays. Days count from the first simulated day; negative ones lie before it."""

    ids: np.ndarray
    titles: np.ndarray
    category: np.ndarray
    brand: np.ndarray
    price: np.ndarray
    tastes: np.ndarray
    """items × TASTES."""
    appeal: np.ndarray
    """Popularity at the first day, skewed."""
    drift: np.ndarray
    """Change of log popularity per day."""
    launch_day: np.ndarray
    withdrawal_day: np.ndarray
    """First day it is not sold any more; a day far away for most."""
    cycle_days: np.ndarray
    """Days until a customer needs it again; 0 for durables."""

    def available(self, day: int) -> np.ndarray:
        """bool per item: sold on this day."""
        return (self.launch_day <= day) & (day < self.withdrawal_day)

    def popularity(self, day: int) -> np.ndarray:
        """Popularity weight per item on this day, 0 where it is not sold."""
        return np.asarray(np.where(self.available(day), self.appeal * np.exp(np.clip(self.drift * day, -3, 3)), 0.0))


FAR = 100_000


def make_catalogue(settings: ShopSettings) -> Catalogue:
    """The catalogue of a shop; the first item of every category is always sold, so that none is ever empty."""
    generator = np.random.default_rng([settings.seed, 1])
    count = settings.items
    category = np.arange(count) % len(CATEGORIES)
    centres = generator.normal(size=(len(CATEGORIES), TASTES))
    launch = np.where(generator.random(count) < SHARE_AT_START, -1, generator.integers(1, 730, count))
    withdrawal = np.where(
        generator.random(count) < SHARE_WITHDRAWN, np.maximum(launch, 0) + generator.integers(60, 400, count), FAR
    )
    launch[: len(CATEGORIES)], withdrawal[: len(CATEGORIES)] = -1, FAR
    brand = generator.integers(0, len(BRANDS), count)
    nouns = [CATEGORIES[c][1][n] for c, n in zip(category, generator.integers(0, 3, count), strict=True)]
    sizes = generator.integers(0, len(SIZES), count)
    titles = [f"{BRANDS[b]} {noun} {SIZES[s]}" for b, noun, s in zip(brand, nouns, sizes, strict=True)]
    prices = np.array([CATEGORIES[c][2] for c in category]) * generator.lognormal(0, 0.35, count)
    return Catalogue(
        ids=np.array([f"i{number:06d}" for number in range(count)]),
        titles=np.array(titles),
        category=category,
        brand=np.array(BRANDS)[brand],
        price=np.round(prices, 2),
        tastes=centres[category] + 0.8 * generator.normal(size=(count, TASTES)),
        appeal=generator.lognormal(0, 1.1, count),
        drift=generator.normal(0, 0.002, count),
        launch_day=launch,
        withdrawal_day=withdrawal,
        cycle_days=np.array([CATEGORIES[c][3] for c in category]),
    )


def seasonality(month: int) -> np.ndarray:
    """Factor of every category's demand in a month (1..12)."""
    peaks = np.array([peak for *_, peak in CATEGORIES])
    distance = np.minimum((month - peaks) % 12, (peaks - month) % 12)
    return np.where(peaks == 0, 1.0, 0.6 + 1.6 * np.exp(-0.5 * (distance / 1.3) ** 2))
