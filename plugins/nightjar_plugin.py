"""The one file below plugins/ that Airflow itself loads: it registers what Nightjar adds to Airflow."""

from __future__ import annotations

import sys
from typing import Any

from airflow.plugins_manager import AirflowPlugin
from nightjar_airflow.run_dates import run_date


def pages() -> list[dict[str, Any]]:
    """The web pages, in the API server alone: every other process of Airflow loads this file as well."""
    if "api-server" not in sys.argv:
        return []
    from nightjar_airflow.web.app import app

    return [{"app": app, "url_prefix": "/nightjar", "name": "nightjar"}]


class NightjarPlugin(AirflowPlugin):
    """Macros for templates (`{{ macros.nightjar.run_date(dag_run, params, time_zone) }}`), and pages."""

    name = "nightjar"
    macros = [run_date]  # noqa: RUF012 (Airflow's interface)
    fastapi_apps = pages()
    external_views = [  # noqa: RUF012
        {"name": "Nightjar", "href": "nightjar/", "url_route": "nightjar", "nav_top_level": True},
        {"name": "Nightjar", "href": "nightjar/dag/{DAG_ID}", "url_route": "nightjar-dag", "destination": "dag"},
    ]
