"""Trains and evaluates once the examples of the day are built."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow import DAG
from airflow.operators.bash import BashOperator
from airflow.operators.empty import EmptyOperator
from airflow.operators.python import BranchPythonOperator
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.secret import Secret
from airflow.sensors.external_task import ExternalTaskSensor

WAREHOUSE = Secret("env", None, "warehouse")
IMAGE = "ghcr.io/acme/click-through:1.14.2"


def weekday(ds: str) -> str:
    """Train on weekdays: at the weekend the newsletter is another one."""
    return "train" if datetime.fromisoformat(ds).weekday() < 5 else "skip_training"


with DAG(
    dag_id="click_through_training",
    schedule="0 2 * * *",
    start_date=datetime(2024, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 1, "retry_delay": timedelta(minutes=15), "execution_timeout": timedelta(hours=2)},
) as dag:
    examples_ready = ExternalTaskSensor(
        task_id="examples_ready",
        external_dag_id="click_through_features",
        external_task_id="build_training_set",
        mode="reschedule",
        poke_interval=300,
        timeout=3 * 60 * 60,
    )
    choose = BranchPythonOperator(task_id="choose", python_callable=weekday)
    skip_training = EmptyOperator(task_id="skip_training")
    train = KubernetesPodOperator(
        task_id="train",
        name="train",
        namespace="click-through",
        image=IMAGE,
        cmds=["python", "-m", "click_through.train"],
        arguments=["--day", "{{ ds }}"],
        secrets=[WAREHOUSE],
        env_vars={"MLFLOW_TRACKING_URI": "http://mlflow.ml.svc:5000"},
    )
    evaluate = KubernetesPodOperator(
        task_id="evaluate",
        name="evaluate",
        namespace="click-through",
        image=IMAGE,
        cmds=["python", "-m", "click_through.evaluate"],
        arguments=["--day", "{{ ds }}"],
        secrets=[WAREHOUSE],
        env_vars={"MLFLOW_TRACKING_URI": "http://mlflow.ml.svc:5000"},
    )
    done = BashOperator(task_id="done", bash_command="curl -fsS -m 10 https://hc.example.org/click-through")

    examples_ready >> choose >> [train, skip_training]
    train >> evaluate
    [evaluate, skip_training] >> done
