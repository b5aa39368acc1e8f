"""What spark-submit runs: one stage of one night. Airflow's operator and clusters start it.

spark-submit spark_jobs/cli/submit.py --domain shop --run-date 2026-11-24 --stage prepare
"""

from __future__ import annotations

import argparse
import atexit
import gc
import os
import sys
import traceback
from dataclasses import replace
from datetime import date
from pathlib import Path


def main() -> int:
    """Run the stage; on failure say why on stderr and in the status file, and return 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--domain", required=True)
    parser.add_argument("--run-date", required=True, type=date.fromisoformat)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--force-training", action="store_true")
    parser.add_argument("--lease", help="the run of more stages that holds the domain's lease")
    parser.add_argument("--status-file", type=Path, help="where to write which job runs, and why the stage failed")
    given = parser.parse_args()
    os.environ["NIGHTJAR_SUBMITTED"] = "1"
    from spark_jobs.contracts.errors import REPORT_BUGS, NightjarError
    from spark_jobs.contracts.stage_status import StageStatus
    from spark_jobs.runner.start import print_progress, stage

    status = StageStatus()

    def tell(news: StageStatus) -> None:
        nonlocal status
        status = news
        if given.status_file:
            news.write(given.status_file)

    def progress(stage: str, job: str) -> None:
        print_progress(stage, job)
        tell(replace(status, job=job))

    try:
        stage(
            given.domain,
            given.run_date,
            given.stage,
            force_training=given.force_training,
            lease=given.lease,
            progress=progress,
        )
    except Exception as error:
        foreseen = isinstance(error, NightjarError)
        if not foreseen or getattr(getattr(error, "failure", None), "bug", False):
            traceback.print_exc()
            print(REPORT_BUGS, file=sys.stderr)
        message = " ".join(str(error).split()) if foreseen else f"{type(error).__name__}: {error}"
        print(f"error: {message}", file=sys.stderr, flush=True)
        tell(replace(status, error=message, retry=error.retry if isinstance(error, NightjarError) else True))
        return 1
    return 0


if __name__ == "__main__":
    # Garbage collection at exit would look through all that was loaded, for a second.
    atexit.register(gc.freeze)
    sys.exit(main())
