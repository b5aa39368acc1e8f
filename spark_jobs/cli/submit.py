"""What spark-submit runs: one stage of one night. Airflow's operator and clusters start it.

spark-submit spark_jobs/cli/submit.py --domain shop --run-date 2026-11-24 --stage prepare
"""

from __future__ import annotations

import argparse
import atexit
import gc
import os
import sys
from datetime import date


def main() -> int:
    """Run the stage; on failure print one line for people and return 1.

    `NIGHTJAR FINAL ERROR:` says that trying again can't help, `NIGHTJAR ERROR:` that it may.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--domain", required=True)
    parser.add_argument("--run-date", required=True, type=date.fromisoformat)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--force-training", action="store_true")
    parser.add_argument("--turn", help="the run of more stages that has the domain's turn")
    given = parser.parse_args()
    os.environ["NIGHTJAR_SUBMITTED"] = "1"
    from spark_jobs.runner.start import stage

    try:
        stage(given.domain, given.run_date, given.stage, force_training=given.force_training, turn=given.turn)
    except Exception as error:
        kind = "FINAL ERROR" if getattr(error, "final", False) else "ERROR"
        print(f"NIGHTJAR {kind}: {' '.join(str(error).split())}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    # Python would look through all that was loaded before it ends, for a second.
    atexit.register(gc.freeze)
    sys.exit(main())
