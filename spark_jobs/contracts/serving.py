"""What can serve: a registered model version, or a candidate source where no ranker is better."""

from __future__ import annotations

_PREFIX = "source:"


def source_version(source: str) -> str:
    """What stands in place of a model version where a source serves.

    >>> source_version('popularity')
    'source:popularity'
    """
    return _PREFIX + source


def source_of(version: str) -> str | None:
    """The source that serves under this name; None for a model version.

    >>> source_of('source:popularity'), source_of('7')
    ('popularity', None)
    """
    return version.removeprefix(_PREFIX) if version.startswith(_PREFIX) else None
