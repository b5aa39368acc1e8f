"""What a stage tells the process that submitted it: the job it is at, and why it failed. One JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from spark_jobs.contracts.whole_file import write_whole


@dataclass(frozen=True)
class StageStatus:
    """The latest news of a stage."""

    job: str | None = None
    """The job that began last."""
    error: str | None = None
    """Why the stage failed, in words."""
    retry: bool = True
    """Whether the same stage may succeed later although nobody changes anything."""

    def write(self, path: Path) -> None:
        """Replace the file; jobs that run side by side do so at once."""
        write_whole(path, json.dumps(asdict(self)))

    @classmethod
    def read(cls, path: Path) -> StageStatus:
        """What was written last; nothing is known where nothing was."""
        return cls(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else cls()
