"""Columns that earlier versions of Nightjar called otherwise: tables that still have them are refused by name."""

from __future__ import annotations

RENAMED_COLUMNS: dict[str, dict[str, str]] = {
    "ops.snapshots": {"evidence": "fingerprint"},
    "ops.model_metrics": {"contender": "model"},
    **{f"bronze.{name}": {"source_file": "delivery"} for name in ("interactions", "items", "users")},
    **{f"quarantine.{name}": {"rule": "failed_check"} for name in ("interactions", "items", "users")},
}
"""By table, from the old name to the new one."""
