"""The people: tastes, favourite categories, activity, and when they come and go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spark_jobs.simulator.catalogue import CATEGORIES, FAR, TASTES
from spark_jobs.simulator.settings import ShopSettings

REGIONS = ("north", "south", "east", "west")
AGE_BANDS = ("18-29", "30-44", "45-59", "60+")


@dataclass(frozen=True)
class Population:
    """Users as arrays; days count from the first simulated day."""

    ids: np.ndarray
    tastes: np.ndarray
    """users × TASTES."""
    preference: np.ndarray
    """users × categories, rows sum to 1."""
    visits_per_day: np.ndarray
    join_day: np.ndarray
    leave_day: np.ndarray
    region: np.ndarray
    age_band: np.ndarray

    def active(self, day: int) -> np.ndarray:
        """bool per user: a customer on this day."""
        return (self.join_day <= day) & (day < self.leave_day)


def make_population(settings: ShopSettings) -> Population:
    """People of a shop: most are there from the start, some join later, some leave."""
    generator = np.random.default_rng([settings.seed, 2])
    count = settings.users
    join = np.where(generator.random(count) < 0.7, 0, generator.integers(1, 365, count))
    leave = np.where(generator.random(count) < 0.3, join + generator.integers(30, 500, count), FAR)
    activity = generator.lognormal(-0.5, 1.0, count)
    return Population(
        ids=np.array([f"u{number:07d}" for number in range(count)]),
        tastes=generator.normal(size=(count, TASTES)).astype(np.float32),
        preference=generator.dirichlet(np.full(len(CATEGORIES), 0.4), count).astype(np.float32),
        visits_per_day=settings.visits_per_user_day * activity,
        join_day=join,
        leave_day=leave,
        region=np.array(REGIONS)[generator.integers(0, len(REGIONS), count)],
        age_band=np.array(AGE_BANDS)[generator.integers(0, len(AGE_BANDS), count)],
    )
