"""Airflow's own command line in a process that starts and ends sooner: what the parts of the embedded Airflow are."""

import atexit
import gc
import runpy

if __name__ == "__main__":
    # Python would look through all that the API server has loaded before it ends, for seconds.
    atexit.register(gc.freeze)
    runpy.run_module("airflow", run_name="__main__")
