"""The night of every domain: one DAG per file in `conf/`, one task per stage of the job catalogue.

A run has a run date D: the night that starts D, for which events before D 00:00 (domain time zone) count. Scheduled and
backfilled runs take it from the end of their data interval, manual runs from the param `run_date`.
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from pathlib import Path

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import PythonOperator, ShortCircuitOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.providers.standard.sensors.python import PythonSensor
from airflow.sdk import DAG, BaseOperator, CronDataIntervalTimetable, Param, TaskGroup, TriggerRule, task
from nightjar_airflow.gates import decided
from nightjar_airflow.promotions import waiting_version
from nightjar_airflow.run_dates import run_date
from nightjar_airflow.stage_operator import NightjarStageOperator
from nightjar_airflow.turns import give_turn_back, take_turn
from pendulum import datetime

from spark_jobs.contracts.domain import Domain, DomainFileError, load_named
from spark_jobs.contracts.job_catalog import NIGHT, Stage
from spark_jobs.contracts.settings import load_settings

RETRIES = {
    "retries": 2,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=15),
}
RUN_DATE = "{{ nightjar_run_date(dag_run, params) }}"


def describe(domain: Domain) -> str:
    """The DAG's page: what the domain is, what each stage does, and how runs get their date."""
    stages = "\n".join(
        f"| {stage.name} | {stage.meaning} | {', '.join(job.name for job in stage.jobs)} |" for stage in NIGHT
    )
    head = f"### The night of {domain.domain}\n\n{domain.description}\n\n{__doc__}"
    home = load_settings().home
    pages = (
        f"The report of every training is `{home}/reports/{domain.domain}/<run date>/report.html`, and the artifact "
        "`evaluation/report.html` of its run in MLflow; what the quality gates found is "
        f"`{home}/data_docs/{domain.domain}/index.html`."
    )
    return f"{head}\n\n| stage | what | jobs |\n|---|---|---|\n{stages}\n\n{pages}\n"


def stage_task(domain: Domain, stage: Stage, rule: TriggerRule = TriggerRule.NONE_FAILED) -> NightjarStageOperator:
    """One spark-submit."""
    return NightjarStageOperator(
        task_id=stage.name,
        domain=domain.domain,
        stage=stage.name,
        run_date=RUN_DATE,
        force_training="{{ '--force-training' if params.force_training else '' }}",
        doc_md=stage.meaning,
        execution_timeout=timedelta(minutes=stage.timeout_minutes),
        trigger_rule=rule,
    )


def ask_for_approval(domain: Domain, trained: BaseOperator) -> BaseOperator:
    """Start the DAG that asks a person, if a version waits for one; the night does not wait."""
    gate = ShortCircuitOperator(
        task_id="approval_due",
        python_callable=waiting_version,
        op_args=[domain.domain, RUN_DATE],
        ignore_downstream_trigger_rules=False,
        execution_timeout=timedelta(minutes=5),
        doc_md="Goes on if tonight's version is good enough and waits for a person (ops.decisions).",
    )
    ask = TriggerDagRunOperator(
        task_id="ask_for_approval",
        trigger_dag_id=f"promotion_{domain.slug}",
        trigger_run_id=f"version-{{{{ ti.xcom_pull(task_ids='approval_due') }}}}-of-{RUN_DATE}",
        conf={"version": "{{ ti.xcom_pull(task_ids='approval_due') }}"},
        # The night once more asks nobody twice.
        skip_when_already_exists=True,
        execution_timeout=timedelta(minutes=5),
        doc_md=f"Starts promotion_{domain.slug}: a person answers under Required Actions, whenever they like.",
    )
    trained >> gate >> ask
    return ask


def night(domain: Domain) -> DAG:
    """The nightly DAG of one domain."""
    schedule = CronDataIntervalTimetable(domain.schedule, timezone=domain.time_zone) if domain.schedule else None
    with DAG(
        dag_id=f"night_{domain.slug}",
        schedule=schedule,
        start_date=datetime(1990, 1, 1, tz=domain.time_zone),
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(minutes=sum(stage.timeout_minutes for stage in NIGHT)),
        default_args=RETRIES,
        description=domain.description or f"The night of {domain.domain}",
        doc_md=describe(domain),
        tags=["nightjar", "nightly", domain.domain],
        params={
            "run_date": Param(
                None, type=["null", "string"], format="date", description="Run date; empty: the end of the interval."
            ),
            "force_training": Param(False, type="boolean", description="Train even if it is not due."),
        },
        user_defined_macros={"nightjar_run_date": partial(run_date, time_zone=domain.time_zone)},
    ) as dag:
        turn = PythonSensor(
            task_id="take_turn",
            python_callable=take_turn,
            op_kwargs={"domain": domain.domain},
            mode="reschedule",
            poke_interval=30,
            timeout=timedelta(hours=12),
            execution_timeout=timedelta(minutes=5),
            doc_md="Waits while another night of the domain runs: they write the same tables.",
        )
        # What the next stage follows: the stage before it, and the optional ones since.
        before: list[BaseOperator] = [turn]
        rule = TriggerRule.ALL_SUCCESS
        optional: list[BaseOperator] = []
        for stage in NIGHT:
            if stage.only_if is None:
                work = stage_task(domain, stage, rule)
                before >> work
                before, rule = [work], TriggerRule.NONE_FAILED
                continue
            with TaskGroup(f"{stage.name}ing", prefix_group_id=False):
                gate = ShortCircuitOperator(
                    task_id=f"{stage.only_if}_due",
                    python_callable=decided,
                    op_args=[domain.domain, RUN_DATE, stage.only_if],
                    ignore_downstream_trigger_rules=False,
                    doc_md=f"Goes on to {stage.name} only if the night decided so (ops.decisions).",
                )
                work = stage_task(domain, stage)
                before >> gate >> work
            # Last week's champion serves although training failed, and although it was skipped.
            over = EmptyOperator(
                task_id=f"{stage.name}ing_over",
                trigger_rule=TriggerRule.ALL_DONE,
                execution_timeout=timedelta(minutes=5),
                doc_md=f"Lets the night go on, whatever became of {stage.name}.",
            )
            work >> over
            before.append(over)
            optional.append(work)
            if stage.name == "train" and domain.train.approval == "required":
                optional.append(ask_for_approval(domain, work))
        complete = EmptyOperator(
            task_id="complete",
            trigger_rule=TriggerRule.NONE_FAILED,
            execution_timeout=timedelta(minutes=5),
            doc_md="Makes a night whose training failed a failed one, although its lists were published.",
        )
        [*before, *optional] >> complete
        give_back = PythonOperator(
            task_id="give_turn_back",
            python_callable=give_turn_back,
            op_kwargs={"domain": domain.domain},
            execution_timeout=timedelta(minutes=5),
            doc_md="Lets the next night of the domain begin, however this one ended.",
        )
        complete >> give_back.as_teardown(setups=turn)
    return dag


def broken(path: Path, error: DomainFileError) -> DAG:
    """Stands in for a domain whose file has mistakes: fails every night and names them.

    Raising here instead would take the DAGs of all other domains down with it, and leaving the domain out would stop
    its nights without anybody being told.
    """
    with DAG(
        # A file can have any name, a DAG id can't.
        dag_id=f"night_{re.sub(r'[^A-Za-z0-9_.]', '_', path.stem)}"[:250],
        schedule="@daily",
        start_date=datetime(1990, 1, 1, tz="UTC"),
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(minutes=10),
        description=f"{path.name} has mistakes; its nights can't run",
        doc_md=f"### {path.name} has mistakes\n\n```\n{error}\n```\nSee `nightjar check-domain conf/{path.name}`.",
        tags=["nightjar", "nightly", "broken"],
    ) as dag:

        @task(task_id="domain_file", execution_timeout=timedelta(minutes=5))
        def refuse(message: str) -> None:
            raise ValueError(message)

        refuse(str(error))
    return dag


for file in sorted(load_settings().conf_dir.glob("*.yaml")):
    try:
        found = night(load_named(file))
    except DomainFileError as mistakes:
        found = broken(file, mistakes)
    globals()[found.dag_id] = found
