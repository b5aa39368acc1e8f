"""A file that several threads write at once is one of what they wrote, whole."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from spark_jobs.contracts.stage_status import StageStatus


def test_jobs_that_run_side_by_side_say_where_they_are_at_once(tmp_path: Path) -> None:
    path = tmp_path / "status.json"

    def tell(number: int) -> None:
        for _ in range(200):
            StageStatus(job=f"job {number}").write(path)
            assert StageStatus.read(path).job in {f"job {n}" for n in range(8)}

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(tell, range(8)))

    assert [file.name for file in tmp_path.iterdir()] == ["status.json"]
