"""Maintenance of every domain's tables: see `contracts/dag_catalog.py`."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG
from nightjar_airflow.dags import dags_of, domain_dag
from nightjar_airflow.maintenance import maintain_tables

from spark_jobs.contracts.dag_catalog import MAINTENANCE_DAG
from spark_jobs.contracts.domain import Domain


def maintenance(domain: Domain) -> DAG:
    """The maintenance DAG of one domain."""
    with domain_dag(MAINTENANCE_DAG, domain) as dag:
        PythonOperator(
            task_id="maintain",
            python_callable=maintain_tables,
            op_kwargs={"domain": domain.domain},
            retries=10,
            retry_delay=timedelta(hours=1),
            execution_timeout=timedelta(hours=6),
            doc_md="Compact, then delete what no version within retention needs; fails while a night runs.",
        )
    return dag


globals().update(dags_of(maintenance))
