"""One definition of the DAGs, of which every domain has one of each kind: DAG files and their page are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.job_catalog import NIGHT


@dataclass(frozen=True)
class DagParam:
    """A param of a run: its default and its JSON schema."""

    name: str
    default: Any
    description: str
    schema: dict[str, Any]


@dataclass(frozen=True)
class DagKind:
    """The DAG `<name>_<domain>` of every domain."""

    name: str
    summary: str
    """The description that lists show; `{domain}` is the domain's name."""
    description: str
    """The DAG's page, in Markdown."""
    tag: str
    params: tuple[DagParam, ...] = ()
    own_schedule: str | None = None
    """Cron expression in the domain's time zone, for domains that have a schedule."""
    nightly: bool = False
    """Whether it runs on the domain's own schedule."""
    by_hand: bool = False
    """Whether only people and other DAGs start it: it is not paused at first, since its runs would wait unseen."""
    timeout: timedelta = timedelta(hours=24)
    max_active_runs: int | None = 1
    """None where runs may overlap."""

    def dag_id(self, domain: Domain) -> str:
        """The DAG's id."""
        return f"{self.name}_{domain.slug}"

    def schedule(self, domain: Domain) -> str | None:
        """Cron expression in the domain's time zone; None where nothing starts it by itself."""
        if domain.schedule is None:
            return None
        return domain.schedule if self.nightly else self.own_schedule


NIGHT_DAG = DagKind(
    name="night",
    summary="The night of {domain}",
    description="""The night of a domain: one task per stage of the job catalogue.

A run has a run date D: the night that starts D, for which events before D 00:00 (domain time zone) count. Scheduled and
backfilled runs take it from the end of their data interval, manual runs from the param `run_date`.""",
    tag="nightly",
    params=(
        DagParam(
            "run_date",
            None,
            "Run date; empty: the end of the interval.",
            {"type": ["null", "string"], "format": "date"},
        ),
        DagParam("force_training", False, "Train even if it is not due.", {"type": "boolean"}),
    ),
    nightly=True,
    timeout=timedelta(minutes=sum(stage.timeout_minutes for stage in NIGHT)),
)
MAINTENANCE_DAG = DagKind(
    name="maintenance",
    summary="Compacts and vacuums the tables of {domain}",
    description="""Table maintenance, once a week: few files, no versions beyond retention (NIGHTJAR_RETENTION_DAYS).

It waits for a night that runs, by being tried again, and nights wait for it.""",
    tag="maintenance",
    own_schedule="0 12 * * 0",
)
PROMOTION_DAG = DagKind(
    name="promotion",
    summary="Lets a person decide whether a model of {domain} may serve",
    description="""A person decides whether a model version may serve: a run shows its card and waits for an answer.

Nights of domains with `train: {approval: required}` start a run for every version that is good enough, and go on
without waiting; started by hand it takes any version. The answer is given under Required Actions, with a reason that is
recorded in `ops.decisions` and in MLflow. A promoted version scores from the next night on. No answer within
`train.approval_hours` is a refusal.""",
    tag="promotion",
    params=(DagParam("version", "", "Registered model version.", {"type": "string", "pattern": "^[0-9]+$"}),),
    by_hand=True,
    timeout=timedelta(hours=12),
    max_active_runs=None,
)
ROLLBACK_DAG = DagKind(
    name="rollback",
    summary="Serves an earlier release of {domain} again",
    description="""An earlier release is served again: lists and model in one commit, in seconds.

Trigger it with a release (`ops.releases`, `nightjar releases`) and a reason. The model of that release is held:
nights score with it until `nightjar models promote`. Rolling forward is the same with a later release.""",
    tag="rollback",
    params=(
        DagParam("release", "", "Release to serve again.", {"type": "string", "minLength": 1}),
        DagParam("reason", "", "Why; it is recorded.", {"type": "string", "minLength": 3}),
    ),
    by_hand=True,
    timeout=timedelta(minutes=30),
)

DAGS = (NIGHT_DAG, MAINTENANCE_DAG, PROMOTION_DAG, ROLLBACK_DAG)
"""All kinds, in the order of the reference page; each has a file of its name in `dags/`."""
