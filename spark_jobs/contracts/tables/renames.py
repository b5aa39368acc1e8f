"""Columns that earlier versions of Nightjar called otherwise: tables that still have them are refused by name."""

from __future__ import annotations

RENAMED_COLUMNS: dict[str, dict[str, str]] = {
    "ops.snapshots": {"evidence": "fingerprint"},
    "ops.model_metrics": {"contender": "model"},
    "quarantine.interactions": {"rule": "failed_check"},
    "quarantine.items": {"rule": "failed_check"},
    "quarantine.users": {"rule": "failed_check"},
}
"""By table, from the old name to the new one."""
