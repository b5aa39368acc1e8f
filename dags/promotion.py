"""The promotion of model versions by people, for every domain: see `contracts/dag_catalog.py`."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, Param
from nightjar_airflow.dags import dags_of, domain_dag
from nightjar_airflow.promotions import PROMOTE, REFUSE, describe_version, record_answer

from spark_jobs.contracts.dag_catalog import PROMOTION_DAG
from spark_jobs.contracts.domain import Domain


def promotion(domain: Domain) -> DAG:
    """The promotion DAG of one domain."""
    answer_time = timedelta(hours=domain.train.approval_hours)
    with domain_dag(PROMOTION_DAG, domain, extra_time=answer_time) as dag:
        version = {"domain": domain.domain, "version": "{{ params.version }}"}
        show_version = PythonOperator(
            task_id="show_version",
            python_callable=describe_version,
            op_kwargs=version,
            execution_timeout=timedelta(minutes=5),
            doc_md="Reads the model card of the version.",
        )
        decide = HITLOperator(
            task_id="decide",
            subject=f"May version {{{{ params.version }}}} of {domain.model_name} serve?",
            body="{{ ti.xcom_pull(task_ids='show_version') }}",
            options=[PROMOTE, REFUSE],
            defaults=REFUSE,
            params={"reason": Param("", type="string", description="Why; it is recorded.")},
            response_timeout=answer_time,
            doc_md="Waits for a person; no answer is a refusal.",
        )
        record = PythonOperator(
            task_id="record_answer",
            python_callable=record_answer,
            op_kwargs=version | {"answer": decide.output},
            # While a night runs the answer can't be recorded: it is tried again until the night is over.
            retries=60,
            retry_delay=timedelta(minutes=10),
            execution_timeout=timedelta(minutes=10),
            doc_md="Promotes or refuses in ops.decisions, then in the tag of the version; run again it finishes both.",
        )
        show_version >> decide >> record
    return dag


globals().update(dags_of(promotion))
