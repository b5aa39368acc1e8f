"""The run date of a DAG run: the night that starts that day, in the domain's time zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo


def local_date(moment: datetime, time_zone: str) -> date:
    """The calendar date of `moment` in `time_zone`."""
    return moment.astimezone(ZoneInfo(time_zone)).date()


def run_date(dag_run: Any, params: Mapping[str, Any], time_zone: str) -> str:
    """The run date, `YYYY-MM-DD`: the param `run_date` where given, else the day the data interval ends on.

    A run scheduled at 02:00 of a day D covers the interval that ends D 02:00, so its run date is D: the night that
    starts D, for which events before D 00:00 count. Runs without an interval take the day they were created for.
    """
    if params.get("run_date"):
        return str(date.fromisoformat(str(params["run_date"])))
    moment = dag_run.data_interval_end or dag_run.logical_date or dag_run.run_after
    return str(local_date(moment, time_zone))
