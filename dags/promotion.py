"""Let a person decide whether a model version may serve: the run shows its model card and waits for an answer.

Nights of domains with `train: {approval: required}` start one for every version that is good enough, and go on without
waiting; by hand it takes any version. The answer is given under Required Actions, with a reason that is recorded in
`ops.decisions` and in MLflow. A promoted version scores from the next night on. No answer within
`train.approval_hours` is a refusal.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, Param
from nightjar_airflow.domains import readable_domains
from nightjar_airflow.promotions import PROMOTE, REFUSE, describe_version, record_answer
from pendulum import datetime

for domain in readable_domains():
    with DAG(
        dag_id=f"promotion_{domain.slug}",
        schedule=None,
        start_date=datetime(1990, 1, 1, tz=domain.time_zone),
        catchup=False,
        # A run of a paused DAG would wait unseen.
        is_paused_upon_creation=False,
        dagrun_timeout=timedelta(hours=domain.train.approval_hours + 12),
        description=f"Lets a person decide whether a model of {domain.domain} may serve",
        doc_md=__doc__,
        tags=["nightjar", "promotion", domain.domain],
        params={"version": Param("", type="string", pattern="^[0-9]+$", description="Registered model version.")},
    ) as dag:
        about = {"domain": domain.domain, "version": "{{ params.version }}"}
        shown = PythonOperator(
            task_id="show_version",
            python_callable=describe_version,
            op_kwargs=about,
            execution_timeout=timedelta(minutes=5),
            doc_md="Reads the model card of the version.",
        )
        asked = HITLOperator(
            task_id="decide",
            subject=f"May version {{{{ params.version }}}} of {domain.model_name} serve?",
            body="{{ ti.xcom_pull(task_ids='show_version') }}",
            options=[PROMOTE, REFUSE],
            defaults=REFUSE,
            params={"reason": Param("", type="string", description="Why; it is recorded.")},
            response_timeout=timedelta(hours=domain.train.approval_hours),
            doc_md="Waits for a person; no answer is a refusal.",
        )
        answered = PythonOperator(
            task_id="record_answer",
            python_callable=record_answer,
            op_kwargs=about | {"answer": asked.output},
            # While a night runs the answer can't be recorded: it comes to that when the night is over.
            retries=60,
            retry_delay=timedelta(minutes=10),
            execution_timeout=timedelta(minutes=10),
            doc_md="Promotes or refuses in ops.decisions, then in the tag of the version; run again it finishes both.",
        )
        shown >> asked >> answered
    globals()[dag.dag_id] = dag
