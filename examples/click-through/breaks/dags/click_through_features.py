"""Loads the day's impressions and clicks, and builds the training examples with dbt."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow import DAG
from airflow.operators.bash import BashOperator

DBT = "cd /opt/airflow/dbt && dbt"

with DAG(
    dag_id="click_through_features",
    schedule="0 2 * * *",
    start_date=datetime(2024, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=10), "execution_timeout": timedelta(hours=1)},
) as dag:
    check_sources = BashOperator(task_id="check_sources", bash_command=f"{DBT} source freshness --target prod")
    build_examples = BashOperator(task_id="build_examples", bash_command=f"{DBT} build --target prod")
    check_sources >> build_examples
