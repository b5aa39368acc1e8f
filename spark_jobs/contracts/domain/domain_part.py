"""What all parts of a domain file share."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class DomainPart(BaseModel):
    """A part of a domain file: frozen, and unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
