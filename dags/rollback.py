"""Serve an earlier release again, by hand: lists and model in one commit, in seconds.

Trigger it with a release (`ops.releases`, `nightjar releases`) and a reason. The model of that release is pinned:
nights score with it until `nightjar models promote`. Rolling forward is the same with a later release.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, Param
from nightjar_airflow.domains import readable_domains
from nightjar_airflow.rollback import serve_release
from pendulum import datetime

for domain in readable_domains():
    with DAG(
        dag_id=f"rollback_{domain.slug}",
        schedule=None,
        start_date=datetime(1990, 1, 1, tz=domain.time_zone),
        catchup=False,
        max_active_runs=1,
        # A run of a paused DAG would wait unseen.
        is_paused_upon_creation=False,
        dagrun_timeout=timedelta(minutes=30),
        description=f"Serves an earlier release of {domain.domain} again",
        doc_md=__doc__,
        tags=["nightjar", "rollback", domain.domain],
        params={
            "release": Param("", type="string", minLength=1, description="Release to serve again."),
            "reason": Param("", type="string", minLength=3, description="Why; it is recorded."),
        },
    ) as dag:
        PythonOperator(
            task_id="roll_back",
            python_callable=serve_release,
            op_kwargs={
                "domain": domain.domain,
                "release": "{{ params.release }}",
                "reason": "{{ params.reason }}",
                "by": "{{ dag_run.triggering_user_name or '' }}",
            },
            execution_timeout=timedelta(minutes=20),
            doc_md="Pin the model, switch the lists, write the ledger, move the alias; the same run again finishes it.",
        )
    globals()[dag.dag_id] = dag
