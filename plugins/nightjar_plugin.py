"""The one file below plugins/ that Airflow itself loads: it registers what Nightjar adds to Airflow."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin
from nightjar_airflow.run_dates import run_date


class NightjarPlugin(AirflowPlugin):
    """Macros for templates: `{{ macros.nightjar.run_date(dag_run, params, time_zone) }}`."""

    name = "nightjar"
    macros = [run_date]  # noqa: RUF012 (Airflow's interface)
