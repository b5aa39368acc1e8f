"""Airflow connections as channels of alerts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from spark_jobs.contracts.settings import PROJECT_ROOT
from tests.dags.conftest import airflow_environment

PRINT = """
import json
from nightjar_airflow.alerts import channels_of_connections
print("URLS" + json.dumps([channel.url for channel in channels_of_connections()]))
"""
MAIL = {"conn_type": "smtp", "host": "mail.example", "port": 587, "login": "me", "password": "p@ss"}
SLACK = {"conn_type": "slackwebhook", "host": "https://hooks.slack.com/services/", "password": "T0/B0/x"}
HOOK = {"conn_type": "http", "host": "https://hooks.example/alerts"}


def test_connections_of_three_kinds_are_channels_and_missing_ones_are_none(airflow_home: Path) -> None:
    extra = {"from_email": "n@shop.example", "to_email": "oncall@shop.example"}
    connections = {
        "AIRFLOW_CONN_NIGHTJAR_ALERTS_MAIL": json.dumps(MAIL | {"extra": extra}),
        "AIRFLOW_CONN_NIGHTJAR_ALERTS_SLACK": json.dumps(SLACK),
        "AIRFLOW_CONN_NIGHTJAR_ALERTS_WEBHOOK": json.dumps(HOOK),
    }
    environment = airflow_environment(airflow_home, PROJECT_ROOT / "conf") | connections
    done = subprocess.run([sys.executable, "-c", PRINT], env=environment, capture_output=True, text=True, check=False)
    line = next((line for line in done.stdout.splitlines() if line.startswith("URLS")), None)
    assert line, done.stderr[-3000:]

    assert json.loads(line[4:]) == [
        "smtp://me:p%40ss@mail.example:587/?from=n%40shop.example&to=oncall%40shop.example",
        "slack+https://hooks.slack.com/services/T0/B0/x",
        "https://hooks.example/alerts",
    ]
