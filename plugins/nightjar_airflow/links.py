"""Links on every task of a night: the domain's page, what its gates found, and the report of its training."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperatorLink


class NightjarLink(BaseOperatorLink):
    """The domain's page."""

    name = "Nightjar"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002
        """Address below Airflow's own."""
        return f"/nightjar/domain/{operator.domain}"


class DataDocsLink(BaseOperatorLink):
    """What the quality gates found."""

    name = "Data Docs"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002
        """Address below Airflow's own."""
        return f"/nightjar/domain/{operator.domain}/data_docs/index.html"


class ReportLink(BaseOperatorLink):
    """The report of the training of this run date, where it trained."""

    name = "Report"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002
        """Address below Airflow's own; empty for stages that train nothing."""
        if operator.stage != "train":
            return ""
        return f"/nightjar/domain/{operator.domain}/reports/{operator.run_date}/report.html"
