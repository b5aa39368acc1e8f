"""Settings of a simulated shop."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Dirt = Literal[
    "no_user", "no_item", "unknown_type", "no_time", "time_of_1970", "long_user", "undecodable", "half_a_line"
]
"""Ways in which a record is malformed."""
Share = Annotated[float, Field(ge=0, le=0.5)]


class ShopSettings(BaseModel):
    """What the shop is like. Equal settings give equal files, byte for byte."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=7, ge=0, description="Seed of everything random.")
    users: int = Field(default=2_000, ge=10, description="People who are or will be customers.")
    items: int = Field(default=1_000, ge=50, description="Items of the catalogue, launched sooner or later.")
    visits_per_user_day: float = Field(default=0.25, gt=0, le=5, description="Mean visits of an active user per day.")
    views_per_visit: float = Field(default=5.0, ge=1, le=50, description="Mean item views of a visit.")
    cart_share: float = Field(default=0.25, gt=0, le=1, description="Share of views that go into the cart.")
    purchase_share: float = Field(default=0.5, gt=0, le=1, description="Share of carts that are bought.")
    return_share: float = Field(default=0.05, ge=0, le=1, description="Share of durable purchases that come back.")
    repurchase_share: float = Field(default=0.6, ge=0, le=1, description="Share of consumables bought again.")
    growth_per_year: float = Field(default=0.2, ge=-0.9, le=5, description="Growth of activity per year.")
    duplicate_share: float = Field(default=0.002, ge=0, le=0.5, description="Events delivered again a day later.")
    late_share: float = Field(default=0.005, ge=0, le=0.5, description="Events delivered a day late.")
    dirt: dict[Dirt, Share] = Field(
        default={"no_user": 0.00025, "unknown_type": 0.00025, "no_time": 0.00025, "half_a_line": 0.00025},
        description="Malformed records per event, by kind.",
    )
