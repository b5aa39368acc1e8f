"""The night of every domain: see `contracts/dag_catalog.py` for its runs, `contracts/job_catalog.py` for its stages."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import PythonOperator, ShortCircuitOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.providers.standard.sensors.python import PythonSensor
from airflow.sdk import (
    DAG,
    BaseOperator,
    DeadlineAlert,
    DeadlineReference,
    SyncCallback,
    TaskGroup,
    TriggerRule,
    task,
)
from airflow.sdk.exceptions import AirflowFailException
from nightjar_airflow.alerts import send_alerts
from nightjar_airflow.assets import of_stage
from nightjar_airflow.branching import decided
from nightjar_airflow.dags import dags_of, domain_dag
from nightjar_airflow.leases import release_lease, take_lease
from nightjar_airflow.promotions import waiting_version
from nightjar_airflow.stage_operator import NightjarStageOperator
from pendulum import datetime

from spark_jobs.contracts.dag_catalog import NIGHT_DAG, PROMOTION_DAG
from spark_jobs.contracts.domain import Domain
from spark_jobs.contracts.job_catalog import NIGHT, STAGES
from spark_jobs.contracts.settings import load_settings

RETRIES = {
    "retries": 2,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=15),
}
SHORT = timedelta(minutes=5)
"""Time limit of tasks that only look something up."""


def night(domain: Domain) -> DAG:
    """The nightly DAG of one domain."""
    page = night_page(domain)
    description = {"description": domain.description} if domain.description else {}
    late = DeadlineAlert(
        DeadlineReference.DAGRUN_QUEUED_AT,
        timedelta(hours=domain.monitor.late_hours),
        SyncCallback("nightjar_airflow.alerts.night_is_late", {"domain": domain.domain}),
    )
    with domain_dag(NIGHT_DAG, domain, default_args=RETRIES, doc_md=page, deadline=late, **description) as dag:
        lease = PythonSensor(
            task_id="take_lease",
            python_callable=take_lease,
            op_kwargs={"domain": domain.domain},
            mode="reschedule",
            poke_interval=30,
            timeout=timedelta(hours=12),
            execution_timeout=SHORT,
            doc_md="Waits while another night of the domain runs: they write the same tables.",
        )
        prepare = stage_task(domain, "prepare", TriggerRule.ALL_SUCCESS)
        with TaskGroup("training", prefix_group_id=False):
            train_due = ShortCircuitOperator(
                task_id="train_due",
                python_callable=decided,
                op_args=[domain.domain, run_date_of(domain), "train"],
                ignore_downstream_trigger_rules=False,
                execution_timeout=SHORT,
                doc_md="Goes on to train only if the night decided so (ops.decisions).",
            )
            train = stage_task(domain, "train")
        # Last week's champion serves although training failed, and although it was skipped.
        training_over = EmptyOperator(
            task_id="training_over",
            trigger_rule=TriggerRule.ALL_DONE,
            execution_timeout=SHORT,
            doc_md="Lets the night go on, whatever became of train.",
        )
        publish = stage_task(domain, "publish")
        monitor = stage_task(domain, "monitor")
        complete = EmptyOperator(
            task_id="complete",
            trigger_rule=TriggerRule.NONE_FAILED,
            execution_timeout=SHORT,
            doc_md="Makes a night whose training failed a failed one, although its lists were published.",
        )
        alerts = PythonOperator(
            task_id="send_alerts",
            python_callable=send_alerts,
            op_kwargs={"domain": domain.domain},
            execution_timeout=SHORT,
            doc_md="Tells people what began, goes on and passed (ops.alerts), however the night ended.",
        )
        release = PythonOperator(
            task_id="release_lease",
            python_callable=release_lease,
            op_kwargs={"domain": domain.domain},
            execution_timeout=SHORT,
            doc_md="Lets the next night of the domain begin, however this one ended.",
        )

        lease >> prepare >> train_due >> train >> training_over >> publish
        prepare >> publish
        train >> complete
        publish >> monitor >> complete
        # Teardowns: neither decides whether the night failed.
        complete >> alerts.as_teardown(setups=lease) >> release.as_teardown(setups=lease)
        if domain.train.approval == "required":
            approval_due, ask = ask_for_approval(domain)
            train >> approval_due >> ask >> complete
    return dag


def stage_task(domain: Domain, name: str, trigger_rule: TriggerRule = TriggerRule.NONE_FAILED) -> NightjarStageOperator:
    """One spark-submit."""
    stage = STAGES[name]
    return NightjarStageOperator(
        task_id=name,
        domain=domain.domain,
        stage=name,
        run_date=run_date_of(domain),
        force_training="{{ '--force-training' if params.force_training else '' }}",
        doc_md=stage.description,
        execution_timeout=timedelta(minutes=stage.timeout_minutes),
        trigger_rule=trigger_rule,
        **of_stage(domain, name),
    )


def ask_for_approval(domain: Domain) -> tuple[BaseOperator, BaseOperator]:
    """Branch to the DAG that asks a person, if a version waits for one, and its start; the night does not wait."""
    due = ShortCircuitOperator(
        task_id="approval_due",
        python_callable=waiting_version,
        op_args=[domain.domain, run_date_of(domain)],
        ignore_downstream_trigger_rules=False,
        execution_timeout=SHORT,
        doc_md="Goes on if tonight's version is good enough and waits for a person (ops.decisions).",
    )
    version = "{{ ti.xcom_pull(task_ids='approval_due') }}"
    promotion = PROMOTION_DAG.dag_id(domain)
    ask = TriggerDagRunOperator(
        task_id="ask_for_approval",
        trigger_dag_id=promotion,
        trigger_run_id=f"version-{version}-of-{run_date_of(domain)}",
        conf={"version": version},
        # A rerun of the night asks nobody twice.
        skip_when_already_exists=True,
        execution_timeout=SHORT,
        doc_md=f"Starts {promotion}: a person answers under Required Actions, whenever they like.",
    )
    return due, ask


def run_date_of(domain: Domain) -> str:
    """Template of the run date of a run."""
    return f"{{{{ macros.nightjar.run_date(dag_run, params, '{domain.time_zone}') }}}}"


def night_page(domain: Domain) -> str:
    """The DAG's page: what the domain is, what each stage does, and where the pages of a night are."""
    stages = "\n".join(
        f"| {stage.name} | {stage.description} | {', '.join(job.name for job in stage.jobs)} |" for stage in NIGHT
    )
    home = load_settings().home
    return (
        f"### The night of {domain.domain}\n\n{domain.description}\n\n{NIGHT_DAG.description}\n\n"
        f"| stage | what | jobs |\n|---|---|---|\n{stages}\n\n"
        "**Nightjar** in the menu on the left has this domain's page: did its lists work, what is not as usual, "
        "releases, and one user whole.\n\n"
        f"The report of every training is `{home}/reports/{domain.domain}/<run date>/report.html`, and the artifact "
        "`evaluation/report.html` of its run in MLflow; what the quality gates found is "
        f"`{home}/data_docs/{domain.domain}/index.html`.\n"
    )


def broken(path: Path, message: str) -> DAG:
    """Stands in for a domain whose file has mistakes: fails every night and names them.

    Leaving the domain out instead would stop its nights without anybody being told.
    """
    # The runs so far stay with the domain; a file whose name can't be a domain's gets an id that none can have.
    name = path.stem.replace("-", "_") if re.fullmatch(r"[a-z][a-z0-9-]*\.yaml", path.name) else path.name
    with DAG(
        dag_id=f"night_{re.sub(r'[^A-Za-z0-9_.]', '_', name)}"[:250],
        schedule="@daily",
        start_date=datetime(1990, 1, 1, tz="UTC"),
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(minutes=10),
        description=f"{path.name} has mistakes; its nights can't run",
        doc_md=f"### {path.name} has mistakes\n\n```\n{message}\n```\nSee `nightjar check-domain conf/{path.name}`.",
        tags=["nightjar", "nightly", "broken"],
    ) as dag:

        @task(task_id="domain_file", execution_timeout=SHORT)
        def refuse(mistakes: str) -> None:
            raise AirflowFailException(mistakes)

        refuse(message)
    return dag


globals().update(dags_of(night, broken))
