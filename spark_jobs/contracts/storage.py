"""Where lakehouse and landing are, and with which options: URIs, never assumed to be local paths."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from spark_jobs.contracts.settings import Settings


@dataclass(frozen=True)
class Location:
    """A root folder and the options of the storage that it is in."""

    uri: str
    options: Mapping[str, str] = field(default_factory=dict, compare=False)

    def below(self, *parts: str) -> str:
        """The URI of something below the root."""
        return "/".join([self.uri.rstrip("/"), *parts])


def lakehouse_location(settings: Settings) -> Location:
    """Root of all Delta tables: `<root>/<domain>/<layer>/<table>`."""
    return Location(str(settings.lakehouse))


def landing_location(settings: Settings) -> Location:
    """Folder that the landing paths of domain files are relative to."""
    return Location(str(settings.landing))


def spark_path(path: str) -> str:
    """The path as Spark reads it as it is, which takes paths for patterns.

    >>> spark_path('/landing/events[1].csv')
    '/landing/events\\\\[1\\\\].csv'
    """
    return re.sub(r"([\[\]{}*?\\])", r"\\\1", path)
