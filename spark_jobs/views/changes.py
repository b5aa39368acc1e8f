"""What changed since the last good night: model, domain file, code, in a sentence."""

from __future__ import annotations

import json
from typing import Any

from spark_jobs.lakehouse.tables import Lakehouse
from spark_jobs.ledgers.ledger import Row
from spark_jobs.ledgers.releases import published


def what_changed(lakehouse: Lakehouse) -> str:
    """The latest release beside the one that was published before it; empty before there are two."""
    found = [row for row in published(lakehouse, 30) if row["kind"] == "publish"]
    if len(found) < 2:
        return ""
    now, before = found[0], found[1]
    parts = [*_model(now, before), *_domain_file(now, before), *_code(now, before)]
    said = ", ".join(parts) if parts else "nothing but what landed"
    return f"Since {before['release']} changed: {said}."


def _model(now: Row, before: Row) -> list[str]:
    if now["model_version"] == before["model_version"]:
        return []
    return [f"the model ({before['model_version']} to {now['model_version']})"]


def _domain_file(now: Row, before: Row) -> list[str]:
    if now["domain_digest"] == before["domain_digest"]:
        return []
    new, old = (json.loads(row["domain_file"] or "{}") for row in (now, before))
    keys = sorted(_differing(new, old))
    return [f"the domain file ({', '.join(keys[:5])}{' and more' if len(keys) > 5 else ''})"]


def _differing(new: Any, old: Any, path: str = "") -> list[str]:
    if isinstance(new, dict) and isinstance(old, dict):
        names = sorted({*new, *old})
        return [key for name in names for key in _differing(new.get(name), old.get(name), f"{path}.{name}".strip("."))]
    return [] if new == old else [path]


def _code(now: Row, before: Row) -> list[str]:
    if now["code_version"] == before["code_version"]:
        return []
    return [f"the code ({before['code_version'][:9]} to {now['code_version'][:9]})"]
