"""The rollback of every domain: see `contracts/dag_catalog.py`."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG
from nightjar_airflow.dags import dags_of, domain_dag
from nightjar_airflow.rollback import serve_release

from spark_jobs.contracts.dag_catalog import ROLLBACK_DAG
from spark_jobs.contracts.domain import Domain


def rollback(domain: Domain) -> DAG:
    """The rollback DAG of one domain."""
    with domain_dag(ROLLBACK_DAG, domain) as dag:
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
            doc_md="Hold the model, switch the lists, write the ledger, move the alias; a rerun finishes it.",
        )
    return dag


globals().update(dags_of(rollback))
