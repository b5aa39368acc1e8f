"""Maintenance of every domain's tables, once a week: few files, no versions beyond retention (NIGHTJAR_RETENTION_DAYS).

It waits for a night that runs, by being tried again, and nights wait for it.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG
from nightjar_airflow.domains import readable_domains
from nightjar_airflow.upkeep import maintain_tables
from pendulum import datetime

for domain in readable_domains():
    with DAG(
        dag_id=f"maintenance_{domain.slug}",
        schedule="0 12 * * 0" if domain.schedule else None,
        start_date=datetime(1990, 1, 1, tz=domain.time_zone),
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(hours=24),
        description=f"Compacts and vacuums the tables of {domain.domain}",
        doc_md=__doc__,
        tags=["nightjar", "maintenance", domain.domain],
    ) as dag:
        PythonOperator(
            task_id="maintain",
            python_callable=maintain_tables,
            op_kwargs={"domain": domain.domain},
            retries=10,
            retry_delay=timedelta(hours=1),
            execution_timeout=timedelta(hours=6),
            doc_md="Compact, then delete what no version within retention needs; fails while a night runs.",
        )
    globals()[dag.dag_id] = dag
